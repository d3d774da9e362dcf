/*
 * banner.c - every guest's port 22 in one: greets like an SSH server on
 * 0.0.0.0:22 of a network namespace.  Says "listening" when it does.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(22) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(fd, 64)) {
		perror("banner");
		return 1;
	}
	puts("listening");
	fflush(stdout);
	for (;;) {
		int client = accept(fd, NULL, NULL);

		if (client >= 0) {
			(void)!write(client, "SSH-2.0-fake\r\n", 14);
			close(client);
		}
	}
}
