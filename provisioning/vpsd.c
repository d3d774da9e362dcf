/*
 * vpsd.c - the daemon's entry: one lock, one socket, two processes.
 *
 *	vpsd (root: hands.c) ---- brain (unprivileged: brain.c)
 *	  |-- one child per operation
 *	  |-- watch: domains that change
 *	  `-- hook dispatcher
 *
 * The lock is held by all of them through one open file: a second vpsd finds
 * it taken, and the next one waits for a killed one's last operation.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "brain.h"
#include "hands.h"
#include "orphan.h"

#define USER		"vpsd"
#define LOCK_WAIT_MS	120000
#define REFUSE_MS	3000	/* a killed one answers no longer than this */
#define LOCK_TRY_MS	100

struct options {
	const char *state_dir, *run_dir, *vg, *templates;
	unsigned int disk_percent;
	uint16_t ssh_port;
};

struct paths {
	char db_dir[DISK_PATH_MAX], db[DISK_PATH_MAX + 16];
	char db_link[DISK_PATH_MAX];
	char lock[DISK_PATH_MAX];
	char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static void usage(FILE *out)
{
	fputs("usage: vpsd [--state DIR] [--run DIR] [--vg NAME|none]\n"
	      "            [--templates DIR] [--disk-percent N]\n"
	      "            [--ssh-port N]\n"
	      "See vpsd(8).\n", out);
}

static unsigned long number(const char *text, unsigned long max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || value < 1 || value > max) {
		usage(stderr);
		exit(2);
	}
	return value;
}

static void parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "state", required_argument, NULL, 's' },
		{ "run", required_argument, NULL, 'r' },
		{ "vg", required_argument, NULL, 'v' },
		{ "templates", required_argument, NULL, 't' },
		{ "disk-percent", required_argument, NULL, 'd' },
		{ "ssh-port", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			o->state_dir = optarg;
			break;
		case 'r':
			o->run_dir = optarg;
			break;
		case 'v':
			o->vg = strcmp(optarg, "none") ? optarg : NULL;
			break;
		case 't':
			o->templates = optarg;
			break;
		case 'd':
			o->disk_percent = (unsigned int)number(optarg, 100000);
			break;
		case 'p':
			o->ssh_port = (uint16_t)number(optarg, 65535);
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		usage(stderr);
		exit(2);
	}
}

static int fill_paths(struct paths *p, const struct options *o,
		      struct err *err)
{
	int len = snprintf(p->socket, sizeof(p->socket), "%s/vpsd.sock",
			   o->run_dir);

	if (len < 0 || len >= (int)sizeof(p->socket) ||
	    strlen(o->state_dir) > DISK_PATH_MAX - 64) {
		return err_set(err, -EINVAL, "--run or --state: is too long");
	}
	snprintf(p->db_dir, sizeof(p->db_dir), "%s/db", o->state_dir);
	snprintf(p->db, sizeof(p->db), "%s/db/serai.db", o->state_dir);
	snprintf(p->db_link, sizeof(p->db_link), "%s/serai.db", o->state_dir);
	snprintf(p->lock, sizeof(p->lock), "%s/vpsd.lock", o->run_dir);
	return 0;
}

static int make_dir(const char *path, mode_t mode, struct err *err)
{
	if (mkdir(path, mode) && errno != EEXIST) {
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	}
	return 0;
}

/* Is a vpsd answering there? */
static bool answers(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	yes = fd >= 0 &&
	      connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0;
	if (fd >= 0) {
		close(fd);
	}
	return yes;
}

/*
 * The lock may still be held by a vpsd that was killed, until its brain has
 * noticed and its last operation has ended: wait for those, but not for a vpsd
 * that goes on answering.
 */
static int take_lock(const struct paths *p, struct err *err)
{
	int fd = open(p->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0) {
		return err_set(err, -errno, "%s: %s", p->lock,
			       strerror(errno));
	}
	for (int ms = 0, alive = 0; flock(fd, LOCK_EX | LOCK_NB) != 0;
	     ms += LOCK_TRY_MS) {
		alive = answers(p->socket) ? alive + LOCK_TRY_MS : 0;
		if (ms >= LOCK_WAIT_MS || alive >= REFUSE_MS) {
			return err_set(err, -EBUSY, "another vpsd is running "
				       "(%s is locked)", p->lock);
		}
		usleep(LOCK_TRY_MS * 1000);
	}
	return fd;
}

static int open_socket(const struct paths *p, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int r;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", p->socket);
	unlink(p->socket);
	mask = umask(0177);
	r = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&at, sizeof(at));
	umask(mask);
	if (r || listen(fd, 128)) {
		return err_set(err, -errno, "%s: %s", p->socket,
			       strerror(errno));
	}
	return fd;
}

/*
 * The database has a directory of its own, since SQLite must make files
 * beside it and the brain must not write anywhere else in the state.
 */
static int make_state(const struct options *o, const struct paths *p,
		      const struct passwd *user, struct err *err)
{
	int rc = make_dir(o->state_dir, 0755, err);

	if (rc == 0) {
		rc = make_dir(o->run_dir, 0755, err);
	}
	if (rc == 0) {
		rc = make_dir(p->db_dir, 0700, err);
	}
	if (rc) {
		return rc;
	}
	if (symlink("db/serai.db", p->db_link) && errno != EEXIST) {
		return err_set(err, -errno, "%s: %s", p->db_link,
			       strerror(errno));
	}
	if (user && chown(p->db_dir, user->pw_uid, user->pw_gid)) {
		return err_set(err, -errno, "%s: %s", p->db_dir,
			       strerror(errno));
	}
	return 0;
}

static int drop(const struct passwd *user, struct err *err)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!user) {
		brain_log("no user '" USER "' here: the database side keeps "
			  "its privileges");
		return 0;
	}
	if (setgroups(0, NULL) || setgid(user->pw_gid) ||
	    setuid(user->pw_uid)) {
		return err_set(err, -errno, "cannot become '" USER "': %s",
			       strerror(errno));
	}
	return 0;
}

static int be_brain(const struct options *o, const struct paths *p,
		    const struct passwd *user, int listen_fd, int hands_fd,
		    pid_t parent)
{
	struct brain b = {
		.hands_fd = hands_fd,
		.listen_fd = listen_fd,
		.disk_percent = o->disk_percent,
		.ssh_port = o->ssh_port,
		.templates_dir = o->templates,
	};
	struct err err = { "" };
	int rc;

	signal(SIGPIPE, SIG_IGN);
	rc = drop(user, &err);
	/* Without hands there is nothing to do. */
	if (!orphan_prevent(parent)) {
		return 1;
	}
	if (rc == 0) {
		rc = store_open(&b.store, p->db, &err);
	}
	if (rc == 0) {
		rc = boot_run(&b, &err);
	}
	if (rc) {
		brain_log("%s", err.text);
		return 1;
	}
	brain_log("ready");
	rc = brain_run(&b);
	store_close(b.store);
	return rc ? 1 : 0;
}

static int pass_terminate_fd[2];

static void on_terminate(int signal_number)
{
	(void)signal_number;
	(void)!shutdown(pass_terminate_fd[0], SHUT_RDWR);
}

/* Root's side: hands until the brain is gone. */
static int be_hands(const struct options *o, const struct paths *p, int fd)
{
	struct hands_config config = { .state_dir = o->state_dir,
				       .db_path = p->db };
	struct sigaction act = { .sa_handler = on_terminate };
	struct err err = { "" };
	int rc = disk_backend_probe(&config.disk, o->state_dir, o->vg, &err);

	if (rc) {
		fprintf(stderr, "vpsd: %s\n", err.text);
		return 1;
	}
	if (config.disk.kind == DISK_FILE) {
		fprintf(stderr, "vpsd: no volume group: disks are sparse "
			"files in %s\n", config.disk.dir);
	}
	/* Ending: the brain sees end of file, then hands_run() does. */
	pass_terminate_fd[0] = fd;
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	rc = hands_run(&config, fd);
	unlink(p->socket);
	return rc ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct options o = {
		.state_dir = "/state", .run_dir = "/run/serai",
		.vg = "serai", .templates = "/usr/share/serai/templates",
		.disk_percent = 100, .ssh_port = 22,
	};
	const struct passwd *user = getpwnam(USER);
	int pair[2], listen_fd, rc;
	struct err err = { "" };
	struct paths p;
	pid_t pid, parent;

	parse(&o, argc, argv);
	rc = fill_paths(&p, &o, &err);
	if (rc == 0) {
		rc = make_state(&o, &p, user, &err);
	}
	if (rc == 0) {
		rc = take_lock(&p, &err);
	}
	listen_fd = rc < 0 ? rc : open_socket(&p, &err);
	if (listen_fd < 0) {
		fprintf(stderr, "vpsd: %s\n", err.text);
		return listen_fd == -EBUSY ? 4 : 1;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		perror("vpsd: socketpair");
		return 1;
	}
	parent = getpid();
	pid = fork();
	if (pid < 0) {
		perror("vpsd: fork");
		return 1;
	}
	if (pid == 0) {
		close(pair[0]);
		return be_brain(&o, &p, user, listen_fd, pair[1], parent);
	}
	close(pair[1]);
	close(listen_fd);
	return be_hands(&o, &p, pair[0]);
}
