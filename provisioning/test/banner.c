/*
 * banner.c - every guest's port 22 in one: greets like an SSH server on
 * 0.0.0.0:22 of a network namespace, after as many seconds as it is told.
 * Says "listening" when it does, and "connection" for each.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned int delay = argc > 1 ? (unsigned int)atoi(argv[1]) : 0;
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(22) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	/* The one before us may have been killed while connected. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(fd, 64)) {
		perror("banner");
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("listening");
	for (;;) {
		int client = accept(fd, NULL, NULL);

		if (client >= 0) {
			puts("connection");
			sleep(delay);
			(void)!write(client, "SSH-2.0-fake\r\n", 14);
			close(client);
		}
	}
}
