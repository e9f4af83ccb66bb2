/* isthmus fmt: a Corefile in its canonical layout. */
#include "base/error.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/diff.h"
#include "cli/flags.h"
#include "cli/format.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FMT_ARENA = 64 * 1024,
	FILE_OCTETS_MAX = 64 * 1024 * 1024,
	EXIT_DIFFERENT = 1, /* -d found something */
	EXIT_FAILED = 1,
};

struct fmt_request {
	const char *path;
	bool from_stdin, write, diff;
};

static int failed(const char *what, const char *path, int error)
{
	fprintf(stderr, "%s %s: %s\n", what, path, error_text(error));
	return EXIT_FAILED;
}

static bool write_all(int fd, struct view v)
{
	while (v.length) {
		ssize_t n = write(fd, v.at, v.length);
		if (n < 0 && errno != EINTR)
			return false;
		v = view_skip(v, n < 0 ? 0 : (size_t)n);
	}
	return true;
}

/* Replaces the file as a whole, so that a reader (a server that reloads) never sees half of it.
 * Links are followed. */
static int replace_file(struct arena *arena, const char *path, struct view content)
{
	struct stat st;
	char *real = realpath(path, NULL);
	if (!real || stat(real, &st) != 0) {
		free(real);
		return failed("write", path, errno);
	}
	char *beside = arena_printf(arena, "%s.XXXXXX", real);
	int fd = mkostemp(beside, O_CLOEXEC);
	bool done = fd >= 0 && write_all(fd, content) && fchmod(fd, st.st_mode & 07777) == 0 &&
		    (fchown(fd, st.st_uid, st.st_gid) == 0 || errno == EPERM) && fsync(fd) == 0 &&
		    rename(beside, real) == 0;
	int error = errno;
	if (fd >= 0)
		close(fd);
	if (fd >= 0 && !done)
		unlink(beside);
	free(real);
	return done ? 0 : failed("write", path, error);
}

static int show_difference(const struct fmt_request *r, struct view old, struct view new)
{
	struct text t = { 0 };
	diff_write(&t, r->path, old, new);
	fputs(text_view(&t).at, stdout);
	int code = t.length ? EXIT_DIFFERENT : 0;
	text_free(&t);
	return code;
}

static int deliver(
	struct arena *arena, const struct fmt_request *r, struct view old, struct view new)
{
	if (r->diff && !r->write)
		return show_difference(r, old, new);
	if (r->diff)
		show_difference(r, old, new);
	if (r->write)
		return view_equal(old, new) ? 0 : replace_file(arena, r->path, new);
	return fwrite(new.at, 1, new.length, stdout) == new.length
		       ? 0
		       : failed("write", "stdout", errno);
}

static int format_file(struct arena *arena, const struct fmt_request *r)
{
	struct view source;
	int error = r->from_stdin ? file_read_open(arena, STDIN_FILENO, FILE_OCTETS_MAX, &source)
				  : file_read(arena, r->path, FILE_OCTETS_MAX, &source);
	if (error)
		return failed("open", r->path, error);
	struct complaints c;
	struct text formatted = { 0 };
	complaints_init(&c, arena);
	int code = EXIT_FAILED;
	if (corefile_format(source, r->path, &formatted, &c))
		code = deliver(arena, r, source, text_view(&formatted));
	for (const struct complaint *found = c.first; found; found = found->next)
		complaint_print(found, stderr);
	text_free(&formatted);
	return code;
}

int fmt_command(const struct command *self, int argc, char **argv)
{
	struct fmt_request r = { .path = "Corefile" };
	const struct command_flag list[] = {
		{ "d", "Print what would change, and exit with 1 if anything would", NULL, NULL,
			&r.diff },
		{ "w", "Write the result back to the file", NULL, NULL, &r.write },
	};
	const struct flags flags = { command_summary(self), list, sizeof list / sizeof list[0],
		NULL };
	int at = 1;
	enum flags_result result = flags_read(&flags, argc, argv, &at);
	if (result == FLAGS_READ && at < argc)
		r.path = argv[at++];
	if (result == FLAGS_READ && at < argc)
		result = flags_wrong(&flags, "one file at a time: '%s' is one too many", argv[at]);
	r.from_stdin = strcmp(r.path, "-") == 0 || strcmp(r.path, "stdin") == 0;
	if (result == FLAGS_READ && r.from_stdin && r.write)
		result = flags_wrong(&flags, "-w needs a file");
	if (result != FLAGS_READ)
		return flags_exit_code(result);

	struct arena *arena = arena_new(FMT_ARENA);
	int code = format_file(arena, &r);
	arena_free(arena);
	return code;
}
