/*
 * http-server - a receiver for the tests of http-post, on 127.0.0.1 only.
 *
 *   http-server DIRECTORY ANSWER...
 *
 * Writes its port to DIRECTORY/port (whole or not at all), then answers one
 * connection per ANSWER and ends.  ANSWER is a status such as 200 or 503, or
 * "hang" (reads, says nothing, until the client gives up), or "drop" (closes
 * at once), or "redirect" (302 to itself).  Request N's head and body go to
 * DIRECTORY/head.N and DIRECTORY/body.N, byte for byte.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void save(const char *directory, const char *name, int number,
		 const char *text, size_t length)
{
	char path[4096];
	char temporary[4200];
	FILE *file;

	if (number > 0) {
		snprintf(path, sizeof(path), "%s/%s.%d", directory, name,
			 number);
	} else {
		snprintf(path, sizeof(path), "%s/%s", directory, name);
	}
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	file = fopen(temporary, "w");
	if (!file || fwrite(text, 1, length, file) != length ||
	    fclose(file) != 0 || rename(temporary, path) != 0) {
		die(path);
	}
}

static int open_port(const char *directory)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	char text[16];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0 ||
	    listen(fd, 8) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
		die("socket");
	}
	snprintf(text, sizeof(text), "%u\n", ntohs(address.sin_port));
	save(directory, "port", 0, text, strlen(text));
	return fd;
}

/* Reads head and body of one request; returns where the body begins. */
static char *read_request(int fd, char *text, size_t size, size_t *length)
{
	char *body = NULL;
	size_t wanted = size - 1;
	ssize_t r;

	*length = 0;
	while (*length < wanted &&
	       (r = read(fd, text + *length, wanted - *length)) > 0) {
		*length += (size_t)r;
		text[*length] = '\0';
		if (!body && (body = strstr(text, "\r\n\r\n")) != NULL) {
			char *field = strcasestr(text, "\nContent-Length:");

			body += 4;
			wanted = (size_t)(body - text) +
				 (field ? strtoul(field + 16, NULL, 10) : 0);
		}
	}
	return body ? body : text + *length;
}

static void answer(int fd, const char *how)
{
	char text[256];
	int code = atoi(how);

	if (strcmp(how, "redirect") == 0) {
		snprintf(text, sizeof(text), "HTTP/1.1 302 Found\r\nLocation: "
					     "/elsewhere\r\nContent-Length: "
					     "0\r\n\r\n");
	} else {
		snprintf(text, sizeof(text),
			 "HTTP/1.1 %d Whatever\r\nContent-Length: 6\r\n"
			 "Connection: close\r\n\r\nhello\n",
			 code);
	}
	if (write(fd, text, strlen(text)) < 0) {
		perror("write");
	}
}

static void serve(int fd, const char *directory, int number, const char *how)
{
	static char text[256 * 1024];
	size_t length;
	char *body;

	if (strcmp(how, "drop") == 0) {
		return;
	}
	body = read_request(fd, text, sizeof(text), &length);
	save(directory, "head", number, text, (size_t)(body - text));
	save(directory, "body", number, body, length - (size_t)(body - text));
	if (strcmp(how, "hang") == 0) {
		while (read(fd, text, sizeof(text)) > 0) {
		}
		return;
	}
	answer(fd, how);
}

int main(int argc, char **argv)
{
	int listening;
	int i;

	if (argc < 3) {
		fprintf(stderr, "usage: http-server DIRECTORY ANSWER...\n");
		return 2;
	}
	alarm(1800);	/* a test that went wrong leaves nothing behind */
	listening = open_port(argv[1]);
	for (i = 2; i < argc; i++) {
		int fd = accept(listening, NULL, NULL);

		if (fd < 0) {
			die("accept");
		}
		serve(fd, argv[1], i - 1, argv[i]);
		close(fd);
	}
	return 0;
}
