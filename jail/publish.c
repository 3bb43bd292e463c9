/* Ports of the caller's that lead into the jail. See publish.h. */
#include "jail/publish.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/base/auto.h"

#define BACKLOG 1024

/* Returns the socket or -errno. Family by family: "[::]" leaves 0.0.0.0 to others. */
static int listen_on(const struct publish *publish)
{
	sa_family_t family = publish->address.family;
	int fd AUTO(fd_release) = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_storage where;
	socklen_t length = addr_to_sockaddr(&publish->address, publish->port, &where);
	int on = 1;

	/* REUSEADDR: connections of the last run may still be dying */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    bind(fd, (struct sockaddr *)&where, length) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return fd_take(&fd);
}

int publish_listen(const struct jail_spec *spec, int **fds_out, struct err *err)
{
	const struct settings *settings = &spec->settings;
	char text[ADDR_TEXT_MAX + 8];

	if (settings->publish_count == 0)
		return 0;
	if (spec->net != NET_GATE)
		return err_bad(err, "%s: publish %s: only a jail with --net gate can be reached",
			       settings->publishes[0].origin,
			       publish_format(&settings->publishes[0], text, sizeof(text)));
	*fds_out = malloc(settings->publish_count * sizeof(**fds_out));
	if (!*fds_out)
		return err_set(err, ENOMEM, "publish ports");
	for (size_t i = 0; i < settings->publish_count; i++)
		(*fds_out)[i] = -1;
	for (size_t i = 0; i < settings->publish_count; i++) {
		const struct publish *publish = &settings->publishes[i];
		int fd = listen_on(publish);

		if (fd < 0)
			return err_set(err, -fd, "%s: publish %s", publish->origin,
				       publish_format(publish, text, sizeof(text)));
		(*fds_out)[i] = fd;
	}
	return 0;
}

void publish_release(const struct jail_spec *spec, int **fds)
{
	for (size_t i = 0; *fds && i < spec->settings.publish_count; i++)
		fd_release(&(*fds)[i]);
	free(*fds);
	*fds = NULL;
}
