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
#include "proxy/dns/answer.h"

#define DATAGRAMS_A_TURN 64
#define QUERY_UDP_MAX	 4096 /* longer ones are cut and so malformed */
#define QUERIES_A_TURN	 32
#define IDLE_MS		 10000
#define PREFIX_BYTES	 2u /* RFC 1035, 4.2.2 */
#define HEADER_BYTES	 12u
#define RCODE_REFUSED	 5

/* A client's connection. Holds one query or one answer at a time, and only while it is cut. */
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
};

/* For one answer with its prefix; touched by the first stream only. */
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
		.qtype = record->qtype,
		.verdict = record->verdict,
	};

	if (!record->verdict.is_allowed)
		tell_denied(server->tell, &denial);
}

static size_t answer_query(struct dns_server *server, const uint8_t *query, size_t length,
			   bool is_stream, uint8_t *answer)
{
	struct dns_decision decision;
	char type[16];
	size_t answer_length;
	struct audit_record record = { .protocol = "dns", .qtype = type };

	if (server->audit->has_failed) {
		audit_skip(server->audit);
		return refuse(query, length, answer);
	}
	answer_length = dns_answer(server->policy, server->names, server->want_ipv6, query, length,
				   is_stream, answer, &decision);
	record.name = decision.name[0] ? decision.name : decision.asked;
	record.verdict = decision.verdict;
	dns_type_name(decision.type, type);
	tell(server, &record);
	if (audit_write(server->audit, &record) < 0)
		return refuse(query, length, answer);
	return answer_length;
}

/* ---- datagrams ---- */

union pktinfo_control {
	struct cmsghdr header; /* for its alignment */
	char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

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

/* Returns false when nothing is left to read. */
static bool serve_datagram(struct dns_server *server, int fd)
{
	uint8_t query[QUERY_UDP_MAX], answer[DNS_EDNS_SIZE];
	struct sockaddr_storage client;
	union pktinfo_control control;
	struct iovec data = { .iov_base = query, .iov_len = sizeof(query) };
	struct msghdr message = {
		.msg_name = &client,
		.msg_namelen = sizeof(client),
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT);

	if (got < 0)
		return errno != EAGAIN && errno != EBADF;
	data.iov_base = answer;
	data.iov_len = answer_query(server, query, (size_t)got, false, answer);
	message.msg_flags = 0;
	fix_pktinfo(&message);
	if (data.iov_len > 0)
		(void)sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL); /* lost is lost: UDP */
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
	stream->length = length - (size_t)sent;
	stream->message = malloc(stream->length);
	if (!stream->message)
		return -1;
	memcpy(stream->message, stream_answer + sent, stream->length);
	stream->is_writing = true;
	return watch_change(stream->server->loop, stream->watch, EPOLLOUT) < 0 ? -1 : 0;
}

static int read_query(struct stream *stream)
{
	ssize_t got = recv(stream->watch->fd, stream->message + stream->done,
			   stream->length - stream->done, MSG_DONTWAIT);
	size_t length;

	if (got <= 0)
		return result_of(got);
	stream->done += (size_t)got;
	if (stream->done < stream->length)
		return 1;
	length = answer_query(stream->server, stream->message, stream->length, true,
			      stream_answer + PREFIX_BYTES);
	forget_message(stream);
	timer_start(&stream->server->idle, &stream->idle);
	if (length == 0)
		return -1; /* not a query: whoever sends that gets no second chance */
	stream_answer[0] = (uint8_t)(length >> 8);
	stream_answer[1] = (uint8_t)length;
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
	timer_queue_init(server->loop, &server->idle, IDLE_MS, stream_expired);
}

void dns_server_done(struct dns_server *server)
{
	struct link *link;

	while ((link = server->streams.next) && link != &server->streams)
		stream_close(CONTAINER_OF(link, struct stream, link));
	for (size_t i = 0; i < DNS_UDP_LISTENERS; i++)
		watch_close(server->loop, &server->sockets[i]);
}
