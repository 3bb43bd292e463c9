/*
 * The gate's DNS sockets. See server.h.
 *
 * The query was redirected, so it arrives at an address of the gate's, and conntrack translates
 * the answer back only if it leaves from that very address: hence IP_PKTINFO.
 */
#include "proxy/dns/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/base/log.h"

#define DATAGRAMS_A_TURN 64
#define QUERY_UDP_MAX	 4096 /* longer ones are cut and so malformed */
#define QUERIES_A_TURN	 32
#define IDLE_MS		 10000
#define PREFIX_BYTES	 2u /* RFC 1035, 4.2.2 */
#define HEADER_BYTES	 12u
#define RCODE_REFUSED	 5

struct question;

/*
 * A client's connection. Holds one query or one answer at a time, and only while it is cut or waits
 * for an upstream server: what the client sends meanwhile stays in the socket.
 */
struct stream {
	struct link link; /* in server->streams */
	struct dns_server *server;
	struct watch *watch; /* owned */
	struct timer idle;
	uint8_t prefix[PREFIX_BYTES];
	uint8_t prefix_got;
	bool is_writing;
	uint8_t *message; /* owned: the query being read, or the rest of the answer */
	size_t length, done;
	struct question *question; /* owned; set while an upstream server is waited for */
};

struct pktinfo_control {
	_Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* Whom a datagram came from, and at which of our addresses it arrived. */
struct sender {
	int fd; /* the server's */
	struct sockaddr_storage client;
	socklen_t client_length;
	struct pktinfo_control control;
	size_t control_length; /* 0 = none */
};

/* A query whose answer an upstream server has. */
struct question {
	struct link link; /* in server->questions */
	struct dns_server *server;
	struct stream *stream; /* who asked; NULL = sender did */
	struct sender sender;
	struct resolve_waiter addresses; /* one of these two waits */
	struct resolve_query records;
	size_t length;
	uint8_t query[];
};

/* For one answer with its prefix; never touched where nothing comes by stream or is waited for. */
static uint8_t stream_answer[PREFIX_BYTES + DNS_TCP_SIZE];

/* Nothing may be allowed without a record. */
static size_t refuse(const uint8_t *query, size_t length, uint8_t *answer)
{
	if (length < HEADER_BYTES || (query[2] & 0x80))
		return 0;
	memset(answer, 0, HEADER_BYTES);
	memcpy(answer, query, 2); /* the id */
	answer[2] = 0x80 | (query[2] & 0x79); /* a response; opcode and RD as asked */
	answer[3] = 0x80 | RCODE_REFUSED;
	return HEADER_BYTES;
}

static void tell(const struct dns_server *server, const struct audit_record *record)
{
	const struct tell_denial denial = {
		.protocol = record->protocol,
		.name = record->name,
		.address = record->refused,
		.qtype = record->qtype,
		.verdict = record->verdict,
	};

	if (!record->verdict.is_allowed)
		tell_denied(server->tell, &denial);
}

static void stream_answer_later(struct stream *stream, size_t length);
static void send_datagram(const struct sender *sender, const uint8_t *answer, size_t length);

/* Returns the answer's length; nothing may be allowed without a record. */
static size_t record(struct dns_server *server, const struct dns_decision *decision,
		     const uint8_t *query, size_t length, uint8_t *answer, size_t answer_length)
{
	char type[16];
	const struct audit_record record = {
		.protocol = "dns",
		.name = decision->name[0] ? decision->name : decision->asked,
		.qtype = dns_type_name(decision->type, type),
		.refused = decision->refused.family ? &decision->refused : NULL,
		.verdict = decision->verdict,
		.error = decision->error,
	};

	tell(server, &record);
	if (audit_write(server->audit, &record) < 0)
		return refuse(query, length, answer);
	return answer_length;
}

/* ---- questions ---- */

/* Takes it out; the memory stays. */
static void question_leave(struct question *question)
{
	resolve_cancel(&question->addresses);
	resolve_query_cancel(&question->records);
	if (question->stream)
		question->stream->question = NULL;
	link_remove(&question->link);
	question->server->question_count--;
}

static void question_answer(struct question *question, const struct dns_found *found)
{
	struct dns_server *server = question->server;
	struct dns_decision decision;
	size_t length = 0;
	uint8_t *answer = stream_answer + PREFIX_BYTES;

	question_leave(question);
	if (server->audit->has_failed) {
		audit_skip(server->audit);
		length = refuse(question->query, question->length, answer);
	} else {
		length = dns_answer(&server->rules, question->query, question->length,
				    question->stream != NULL, found, answer, &decision);
		length = record(server, &decision, question->query, question->length, answer,
				length);
	}
	if (question->stream)
		stream_answer_later(question->stream, length);
	else
		send_datagram(&question->sender, answer, length);
	free(question);
}

static void addresses_found(struct resolve_waiter *waiter, const struct resolve_answer *answer)
{
	const struct dns_found found = { .addresses = answer };

	question_answer(CONTAINER_OF(waiter, struct question, addresses), &found);
}

static void records_found(struct resolve_query *query, const struct records *records)
{
	const struct dns_found found = { .records = records };

	question_answer(CONTAINER_OF(query, struct question, records), &found);
}

/* Nobody waits any more, or nobody answers any more; that it was asked is on record all the same. */
static void question_drop(struct question *question)
{
	static const char error[] = "nobody waited for the answer";
	static const struct resolve_answer no_addresses = {
		.status = LOOKUP_FAILED,
		.error = error,
	};
	static const struct records no_records = { .status = LOOKUP_FAILED, .error = error };
	const struct dns_found found = { &no_addresses, &no_records };
	struct dns_server *server = question->server;
	struct dns_decision decision;
	uint8_t *answer = stream_answer + PREFIX_BYTES;

	question_leave(question);
	if (server->audit->has_failed) {
		audit_skip(server->audit);
	} else {
		(void)dns_answer(&server->rules, question->query, question->length, true, &found,
				 answer, &decision);
		(void)record(server, &decision, question->query, question->length, answer, 0);
	}
	free(question);
}

/* NULL without memory. */
static struct question *question_new(struct dns_server *server, const uint8_t *query, size_t length)
{
	struct question *question = calloc(1, sizeof(*question) + length);

	if (!question)
		return NULL;
	question->server = server;
	question->addresses.resolved = addresses_found;
	question->records.resolved = records_found;
	question->length = length;
	memcpy(question->query, query, length);
	link_append(&server->questions, &question->link);
	server->question_count++;
	return question;
}

/* The question may be gone when it returns. */
static void question_ask(struct question *question, const struct dns_decision *decision)
{
	struct resolver *resolver = question->server->resolver;
	const struct resolve_answer *answer;

	if (decision->want == DNS_WANT_RECORDS) {
		resolve_records(resolver, decision->name, decision->type, &question->records);
		return;
	}
	answer = resolve(resolver, decision->number, decision->name, &question->addresses);
	if (answer)
		addresses_found(&question->addresses, answer);
}

/*
 * Returns the answer's length; 0 when there is none, or, with *@decision_out telling what it
 * wants, not yet.
 */
static size_t answer_query(struct dns_server *server, const uint8_t *query, size_t length,
			   bool is_stream, uint8_t *answer, struct dns_decision *decision_out)
{
	static const struct dns_found nothing;
	size_t answer_length;

	decision_out->want = DNS_WANT_NOTHING;
	if (server->audit->has_failed) {
		audit_skip(server->audit);
		return refuse(query, length, answer);
	}
	answer_length =
		dns_answer(&server->rules, query, length, is_stream, NULL, answer, decision_out);
	if (decision_out->want != DNS_WANT_NOTHING) {
		if (server->question_count < DNS_QUESTIONS_MAX)
			return 0;
		answer_length = dns_answer(&server->rules, query, length, is_stream, &nothing,
					   answer, decision_out);
	}
	return record(server, decision_out, query, length, answer, answer_length);
}

/* ---- datagrams ---- */

/* The kernel gives the address of arrival in the form in which it takes the one to leave from. */
static void fix_pktinfo(struct msghdr *message)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);

	if (!header) {
		message->msg_control = NULL;
		message->msg_controllen = 0;
	} else if (header->cmsg_level == IPPROTO_IP) {
		struct in_pktinfo info;

		memcpy(&info, CMSG_DATA(header), sizeof(info));
		info.ipi_ifindex = 0; /* the route decides; spec_dst is the source */
		memcpy(CMSG_DATA(header), &info, sizeof(info));
	}
}

static void send_datagram(const struct sender *sender, const uint8_t *answer, size_t length)
{
	struct sender to = *sender; /* sendmsg() takes no const */
	struct iovec data = { .iov_base = (void *)(uintptr_t)answer, .iov_len = length };
	const struct msghdr message = {
		.msg_name = &to.client,
		.msg_namelen = to.client_length,
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = to.control_length ? to.control.bytes : NULL,
		.msg_controllen = to.control_length,
	};

	if (length > 0)
		(void)sendmsg(to.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL); /* lost is lost: UDP */
}

static void serve_query(struct dns_server *server, const uint8_t *query, size_t length,
			const struct sender *sender)
{
	uint8_t answer[DNS_EDNS_SIZE];
	struct dns_decision decision;
	size_t answer_length = answer_query(server, query, length, false, answer, &decision);
	struct question *question;

	if (decision.want == DNS_WANT_NOTHING) {
		send_datagram(sender, answer, answer_length);
		return;
	}
	question = question_new(server, query, length);
	if (!question)
		return; /* no memory: as if the datagram had been lost */
	question->sender = *sender;
	question_ask(question, &decision);
}

/* Returns false when nothing is left to read. */
static bool serve_datagram(struct dns_server *server, int fd)
{
	uint8_t query[QUERY_UDP_MAX];
	struct sender sender = { .fd = fd };
	struct iovec data = { .iov_base = query, .iov_len = sizeof(query) };
	struct msghdr message = {
		.msg_name = &sender.client,
		.msg_namelen = sizeof(sender.client),
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = sender.control.bytes,
		.msg_controllen = sizeof(sender.control.bytes),
	};
	ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT);

	if (got < 0)
		return errno != EAGAIN && errno != EBADF;
	fix_pktinfo(&message);
	sender.client_length = message.msg_namelen;
	sender.control_length = message.msg_control ? message.msg_controllen : 0;
	serve_query(server, query, (size_t)got, &sender);
	return true;
}

static void datagrams_ready(struct dns_server *server, const struct watch *socket)
{
	for (int i = 0; i < DATAGRAMS_A_TURN && serve_datagram(server, socket->fd); i++)
		;
}

static void datagrams4_ready(void *owner, uint32_t events)
{
	struct dns_server *server = owner;

	(void)events; /* level-triggered, readable only */
	datagrams_ready(server, server->sockets[0]);
}

static void datagrams6_ready(void *owner, uint32_t events)
{
	struct dns_server *server = owner;

	(void)events; /* level-triggered, readable only */
	datagrams_ready(server, server->sockets[1]);
}

void dns_server_drain(struct dns_server *server)
{
	for (size_t i = 0; i < DNS_UDP_LISTENERS; i++) {
		if (server->sockets[i])
			datagrams_ready(server, server->sockets[i]);
	}
}

int dns_server_add_socket(struct dns_server *server, int fd, sa_family_t family, struct err *err)
{
	struct watch **slot = &server->sockets[family == AF_INET6 ? 1 : 0];
	int one = 1;
	int rc = family == AF_INET6 ? setsockopt(fd, SOL_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one))
				    : setsockopt(fd, SOL_IP, IP_PKTINFO, &one, sizeof(one));

	if (rc < 0) {
		rc = err_set(err, errno, "ask for the address of DNS queries");
		(void)close(fd); /* not in use */
		return rc;
	}
	*slot = watch_new(server->loop, fd,
			  family == AF_INET6 ? datagrams6_ready : datagrams4_ready, server);
	if (!*slot) {
		(void)close(fd); /* not in use */
		return err_set(err, ENOMEM, "watch the DNS socket");
	}
	rc = watch_start(server->loop, *slot, EPOLLIN);
	return rc < 0 ? err_set(err, -rc, "watch the DNS socket") : 0;
}

/* ---- streams ---- */

static void stream_close(struct stream *stream)
{
	struct dns_server *server = stream->server;

	if (stream->question)
		question_drop(stream->question);
	timer_stop(&stream->idle);
	link_remove(&stream->link);
	server->stream_count--;
	watch_close(server->loop, &stream->watch);
	free(stream->message);
	free(stream);
}

static void stream_expired(struct timer *timer)
{
	stream_close(CONTAINER_OF(timer, struct stream, idle));
}

static void forget_message(struct stream *stream)
{
	free(stream->message);
	stream->message = NULL;
	stream->length = 0;
	stream->done = 0;
	stream->prefix_got = 0;
	stream->is_writing = false;
}

/* Each returns 1 to go on, 0 to wait for an event, -1 to close. */
static int result_of(ssize_t moved)
{
	if (moved > 0)
		return 1;
	return moved < 0 && errno == EAGAIN ? 0 : -1;
}

static int read_prefix(struct stream *stream)
{
	ssize_t got = recv(stream->watch->fd, stream->prefix + stream->prefix_got,
			   PREFIX_BYTES - stream->prefix_got, MSG_DONTWAIT);

	if (got <= 0)
		return result_of(got);
	stream->prefix_got += (uint8_t)got;
	if (stream->prefix_got < PREFIX_BYTES)
		return 1;
	stream->length = (size_t)stream->prefix[0] << 8 | stream->prefix[1];
	stream->message = stream->length ? malloc(stream->length) : NULL;
	return stream->message ? 1 : -1;
}

/* Keeps what is to be sent when the socket takes it. Returns 0 or -ENOMEM. */
static int keep_answer(struct stream *stream, const uint8_t *bytes, size_t length)
{
	stream->message = malloc(length);
	if (!stream->message)
		return -ENOMEM;
	memcpy(stream->message, bytes, length);
	stream->length = length;
	stream->is_writing = true;
	return watch_change(stream->server->loop, stream->watch, EPOLLOUT);
}

static void put_prefix(size_t length)
{
	stream_answer[0] = (uint8_t)(length >> 8);
	stream_answer[1] = (uint8_t)length;
}

/* Keeps what the socket does not take. */
static int send_answer(struct stream *stream, size_t length)
{
	ssize_t sent = send(stream->watch->fd, stream_answer, length, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0 && errno != EAGAIN)
		return -1;
	if (sent < 0)
		sent = 0;
	if ((size_t)sent == length)
		return 1;
	return keep_answer(stream, stream_answer + sent, length - (size_t)sent) < 0 ? -1 : 0;
}

/*
 * The upstream server has answered; what is to be sent stands in stream_answer. The stream is not
 * touched further, it may be in use: the next event sends it, or closes.
 */
static void stream_answer_later(struct stream *stream, size_t length)
{
	timer_start(&stream->server->idle, &stream->idle);
	put_prefix(length);
	if (keep_answer(stream, stream_answer, PREFIX_BYTES + length) < 0)
		(void)shutdown(stream->watch->fd, SHUT_RDWR); /* an event that closes */
}

/* Until the answer is there, nothing more is read. */
static int start_waiting(struct stream *stream, const struct dns_decision *decision)
{
	struct question *question = question_new(stream->server, stream->message, stream->length);

	if (!question)
		return -1;
	forget_message(stream);
	question->stream = stream;
	stream->question = question;
	if (watch_change(stream->server->loop, stream->watch, 0) < 0)
		return -1;
	question_ask(question, decision);
	return 0;
}

static int read_query(struct stream *stream)
{
	ssize_t got = recv(stream->watch->fd, stream->message + stream->done,
			   stream->length - stream->done, MSG_DONTWAIT);
	struct dns_decision decision;
	size_t length;

	if (got <= 0)
		return result_of(got);
	stream->done += (size_t)got;
	if (stream->done < stream->length)
		return 1;
	timer_start(&stream->server->idle, &stream->idle);
	length = answer_query(stream->server, stream->message, stream->length, true,
			      stream_answer + PREFIX_BYTES, &decision);
	if (decision.want != DNS_WANT_NOTHING)
		return start_waiting(stream, &decision);
	forget_message(stream);
	if (length == 0)
		return -1; /* not a query: whoever sends that gets no second chance */
	put_prefix(length);
	return send_answer(stream, PREFIX_BYTES + length);
}

static int write_rest(struct stream *stream)
{
	ssize_t sent = send(stream->watch->fd, stream->message + stream->done,
			    stream->length - stream->done, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent <= 0)
		return result_of(sent);
	stream->done += (size_t)sent;
	if (stream->done < stream->length)
		return 1;
	forget_message(stream);
	return watch_change(stream->server->loop, stream->watch, EPOLLIN) < 0 ? -1 : 1;
}

static int stream_step(struct stream *stream)
{
	if (stream->is_writing)
		return write_rest(stream);
	return stream->message ? read_query(stream) : read_prefix(stream);
}

/* Level-triggered: what a turn leaves comes back in the next round. */
static void stream_ready(void *owner, uint32_t events)
{
	struct stream *stream = owner;
	int result = 1;

	(void)events;
	if (stream->question) { /* nothing else is watched then: the client is gone */
		stream_close(stream);
		return;
	}
	for (int i = 0; i < QUERIES_A_TURN && result > 0; i++)
		result = stream_step(stream);
	if (result < 0)
		stream_close(stream);
}

void dns_server_accept(struct dns_server *server, int fd)
{
	struct stream *stream = NULL;

	if (server->stream_count < DNS_STREAMS_MAX)
		stream = calloc(1, sizeof(*stream));
	if (stream)
		stream->watch = watch_new(server->loop, fd, stream_ready, stream);
	if (!stream || !stream->watch) {
		free(stream);
		(void)close(fd); /* unused so far */
		return;
	}
	stream->server = server;
	link_append(&server->streams, &stream->link);
	server->stream_count++;
	timer_start(&server->idle, &stream->idle);
	if (watch_start(server->loop, stream->watch, EPOLLIN) < 0)
		stream_close(stream);
}

/* ---- */

void dns_server_init(struct dns_server *server)
{
	link_ring_init(&server->streams);
	link_ring_init(&server->questions);
	timer_queue_init(server->loop, &server->idle, IDLE_MS, stream_expired);
}

void dns_server_done(struct dns_server *server)
{
	struct link *link;

	while ((link = server->streams.next) && link != &server->streams)
		stream_close(CONTAINER_OF(link, struct stream, link));
	while ((link = server->questions.next) && link != &server->questions)
		question_drop(CONTAINER_OF(link, struct question, link));
	for (size_t i = 0; i < DNS_UDP_LISTENERS; i++)
		watch_close(server->loop, &server->sockets[i]);
}
