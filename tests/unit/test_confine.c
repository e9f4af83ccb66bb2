/* The sandbox: what it forbids is stopped and said so, what a server does goes on. Each in a
 * process of its own. */
#include "test.h"

#include "base/text.h"
#include "net/sanitizers.h"
#include "server/process/confine.h"
#include "server/process/core_dump.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs body() in a child, whose standard output is kept; gives its exit code. */
static int run(int (*body)(void), char *output, size_t size)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		_exit(body());
	}
	close(ends[1]);
	size_t length = 0;
	for (ssize_t n; (n = read(ends[0], output + length, size - 1 - length)) > 0;)
		length += (size_t)n;
	output[length] = 0;
	close(ends[0]);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int make_forbidden_calls(void)
{
	extern char **environ;
	char *argv[] = { (char *)"true", NULL };
	if (confine_calls())
		return 1;
	errno = 0;
	if (execve("/bin/true", argv, environ) != -1 || errno != EPERM)
		return 2;
	if (fork() != -1 || errno != EPERM)
		return 3;
	if (syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0) != -1 || errno != EPERM)
		return 4;
	if (syscall(SYS_mount, "a", "b", "c", 0, 0) != -1 || errno != EPERM)
		return 5;
	return 0;
}

static void forbidden_calls_fail_and_are_said(void **state)
{
	(void)state;
	char output[1024], line[80];
	assert_int_equal(run(make_forbidden_calls, output, sizeof output), 0);
	snprintf(line, sizeof line, "[ERROR] sandbox: system call %d refused\n", SYS_execve);
	assert_int_equal(strncmp(output, line, strlen(line)), 0);
	snprintf(line, sizeof line, "[ERROR] sandbox: system call %d refused\n", SYS_mount);
	assert_non_null(strstr(output, line));
}

/* With all signals blocked, as in posix_spawn(), there is no handler to come back from: the kernel
 * ends the process. */
static void a_forbidden_call_without_signals_ends_the_process(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0) {
		sigset_t all;
		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, NULL);
		if (!confine_calls())
			fork();
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void *nothing(void *data)
{
	return data;
}

static int do_what_a_server_does(void)
{
	pthread_t thread;
	struct stat st;
	if (confine_calls())
		return 1;
	if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
		return 2;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = { .sin_family = AF_INET };
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0)
		return 3;
	if (stat("/", &st) != 0 || open("/dev/null", O_RDWR) < 0)
		return 4;
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return at == MAP_FAILED ? 5 : 0;
}

static void a_server_can_go_on(void **state)
{
	(void)state;
	char output[64];
	assert_int_equal(run(do_what_a_server_does, output, sizeof output), 0);
	assert_string_equal(output, "");
}

static char folder[] = "/tmp/isthmus-test-XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[128];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static bool can_open(const char *path, int flags)
{
	int fd = open(path, flags, 0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* 77: this kernel has no Landlock. */
static int open_files(void)
{
	char readable[64], writable[64];
	snprintf(readable, sizeof readable, "%s/read", folder);
	snprintf(writable, sizeof writable, "%s/write", folder);
	const struct allowed_path paths[] = { { readable, false }, { writable, true },
		{ "/dev/null", true }, { "/none", false } };
	if (confine_files(paths, 4))
		return 77;
	if (!can_open(in_folder("read/file"), O_RDONLY) || can_open(in_folder("read/file"), O_RDWR))
		return 1;
	if (can_open(in_folder("read/new"), O_WRONLY | O_CREAT))
		return 2;
	if (!can_open(in_folder("write/new"), O_WRONLY | O_CREAT | O_TRUNC) ||
		unlink(in_folder("write/new")) != 0)
		return 3;
	if (can_open(in_folder("other"), O_RDONLY) || errno != EACCES)
		return 4;
	if (can_open("/etc/passwd", O_RDONLY) || !can_open("/dev/null", O_RDWR))
		return 5;
	/* A new file in the place of an old one is one of the folder's. */
	return can_open(in_folder("read/link"), O_RDONLY) ? 6 : 0;
}

static void put(const char *name)
{
	int fd = open(in_folder(name), O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static void only_allowed_files_are_seen(void **state)
{
	(void)state;
	char output[64];
	assert_int_equal(mkdir(in_folder("read"), 0700), 0);
	assert_int_equal(mkdir(in_folder("write"), 0700), 0);
	put("read/file");
	put("other");
	assert_int_equal(symlink("../other", in_folder("read/link")), 0);
	int code = run(open_files, output, sizeof output);
	if (code == 77)
		skip();
	assert_int_equal(code, 0);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	char command[64];
	snprintf(command, sizeof command, "rm -r %s", folder);
	return system(command);
}

static int hide(void)
{
	core_dump_forbid();
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

static int show(void)
{
	core_dump_allow();
	return hide();
}

static void a_process_with_secrets_leaves_no_core(void **state)
{
	(void)state;
	char output[64];
	assert_int_equal(run(hide, output, sizeof output), SANITIZE_ADDRESS || SANITIZE_THREAD);
	assert_int_equal(run(show, output, sizeof output), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forbidden_calls_fail_and_are_said),
		cmocka_unit_test(a_forbidden_call_without_signals_ends_the_process),
		cmocka_unit_test(a_server_can_go_on),
		cmocka_unit_test(only_allowed_files_are_seen),
		cmocka_unit_test(a_process_with_secrets_leaves_no_core),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
