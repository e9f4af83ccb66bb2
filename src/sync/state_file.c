/* State files: written through a buffer, checked as a whole before anything of them is believed. */
#include "sync/state_file.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/sha512.h"
#include "net/loop.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FORMAT_VERSION = 1,
	DIGEST_OCTETS = 32,
	TRAILER_OCTETS = 8 + DIGEST_OCTETS,
	BUFFER_OCTETS = 64 * 1024,
};

static const struct view magic = { "isthmus state\n", 14 };

static bool fail(struct state_problem *why, const char *what, const char *path, int error)
{
	snprintf(why->text, sizeof why->text, "%s %s: %s", what, path, error_text(error));
	return false;
}

static void number_put(uint8_t *to, uint64_t number, unsigned octets)
{
	for (unsigned i = 0; i < octets; i++)
		to[i] = (uint8_t)(number >> 8 * i);
}

static uint64_t number_get(const char *from, unsigned octets)
{
	uint64_t number = 0;
	for (unsigned i = 0; i < octets; i++)
		number |= (uint64_t)(uint8_t)from[i] << 8 * i;
	return number;
}

/* --- writing --- */

struct state_writer {
	char *path, *temporary;
	int fd, error; /* the first error, as errno has it */
	struct sha512 digest;
	uint64_t payload;
	size_t filled;
	uint8_t buffer[BUFFER_OCTETS];
};

static void flush(struct state_writer *w)
{
	size_t done = 0;
	while (!w->error && done < w->filled) {
		ssize_t n = write(w->fd, w->buffer + done, w->filled - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			w->error = errno;
	}
	w->filled = 0;
}

static void put(struct state_writer *w, const void *at, size_t length)
{
	const uint8_t *from = at;
	while (length) {
		size_t room = sizeof w->buffer - w->filled, part = length < room ? length : room;
		memcpy(w->buffer + w->filled, from, part);
		w->filled += part;
		from += part;
		length -= part;
		if (w->filled == sizeof w->buffer)
			flush(w);
	}
}

/* Octets that the checksum covers. */
static void put_checked(struct state_writer *w, const void *at, size_t length)
{
	if (!length)
		return;
	sha512_add(&w->digest, at, length);
	put(w, at, length);
}

static void put_number(struct state_writer *w, uint64_t number, unsigned octets)
{
	uint8_t encoded[8];
	number_put(encoded, number, octets);
	put_checked(w, encoded, octets);
}

static char *temporary_path(const char *path)
{
	size_t length = strlen(path);
	char *temporary = memory_alloc(length + sizeof ".new");
	memcpy(temporary, path, length);
	memcpy(temporary + length, ".new", sizeof ".new");
	return temporary;
}

static void writer_free(struct state_writer *w)
{
	if (w->fd >= 0)
		close(w->fd);
	free(w->path);
	free(w->temporary);
	free(w);
}

/* Opens the file under its temporary name, locked: whoever else writes there has it until its rename. False with errno set. */
static bool open_temporary(struct state_writer *w)
{
	struct stat own, named;
	w->fd = open(w->temporary, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	if (w->fd < 0)
		return false;
	if (flock(w->fd, LOCK_EX | LOCK_NB) < 0 || fstat(w->fd, &own) < 0)
		return false;
	if (stat(w->temporary, &named) < 0 || own.st_ino != named.st_ino || own.st_dev != named.st_dev) {
		errno = EBUSY; /* it was put in its place meanwhile */
		return false;
	}
	return ftruncate(w->fd, 0) == 0;
}

struct state_writer *state_write_begin(
	const char *path, struct state_kind kind, struct state_problem *why)
{
	struct state_writer *w = memory_array(1, sizeof *w);
	size_t name_length = strlen(kind.name);
	w->temporary = temporary_path(path);
	w->path = temporary_path(path);
	w->path[strlen(path)] = 0;
	if (!open_temporary(w)) {
		fail(why, "open", w->temporary, errno);
		writer_free(w);
		return NULL;
	}
	sha512_begin(&w->digest);
	put_checked(w, magic.at, magic.length);
	put_number(w, FORMAT_VERSION, 1);
	put_number(w, name_length, 1);
	put_checked(w, kind.name, name_length);
	put_number(w, kind.version, 4);
	put_number(w, (uint64_t)clock_wall_seconds(), 8);
	return w;
}

void state_write_add(struct state_writer *w, struct view octets)
{
	w->payload += octets.length;
	put_checked(w, octets.at, octets.length);
}

/* The rename is on the disk when its folder is. */
static int sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;
	char *folder = memory_alloc(length + 2);
	memcpy(folder, path, length);
	memcpy(folder + length, length ? "" : slash ? "/" : ".", length ? 1 : 2);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = fd < 0 || fsync(fd) < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	free(folder);
	return error;
}

/* What may take the disk its time. */
static void *settle(void *data)
{
	struct state_writer *w = data;
	if (!w->error && fsync(w->fd) < 0)
		w->error = errno;
	if (!w->error && rename(w->temporary, w->path) < 0)
		w->error = errno;
	if (w->error)
		unlink(w->temporary);
	else
		w->error = sync_folder(w->path);
	return NULL;
}

struct settling {
	struct state_writer *writer;
	int done; /* an eventfd */
};

static void *settle_and_say(void *data)
{
	struct settling *s = data;
	settle(s->writer);
	eventfd_write(s->done, 1);
	return NULL;
}

/* Lets a thread wait for the disk, so that the loop need not; one that is to end waits itself. */
static void settle_beside(struct state_writer *w)
{
	struct settling s = { w, loop_current() ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1 };
	pthread_t thread;
	if (s.done < 0 || pthread_create(&thread, NULL, settle_and_say, &s) != 0) {
		settle(w);
	} else {
		wait_readable(s.done, 0);
		pthread_join(thread, NULL);
	}
	if (s.done >= 0)
		close(s.done);
}

bool state_write_end(struct state_writer *w, struct state_problem *why)
{
	uint8_t digest[SHA512_OCTETS];
	put_number(w, w->payload, 8);
	sha512_end(&w->digest, digest);
	put(w, digest, DIGEST_OCTETS);
	flush(w);
	settle_beside(w);
	bool done = !w->error || fail(why, "write", w->path, w->error);
	writer_free(w);
	return done;
}

void state_write_abandon(struct state_writer *w)
{
	unlink(w->temporary);
	writer_free(w);
}

/* --- reading --- */

static enum state_outcome refuse(struct state_problem *why, const char *path, const char *what)
{
	snprintf(why->text, sizeof why->text, "%s: %s", path, what);
	return STATE_REFUSED;
}

static bool checksum_matches(struct view content)
{
	struct sha512 sum;
	uint8_t digest[SHA512_OCTETS];
	size_t covered = content.length - DIGEST_OCTETS;
	sha512_begin(&sum);
	sha512_add(&sum, content.at, covered);
	sha512_end(&sum, digest);
	return memcmp(digest, content.at + covered, DIGEST_OCTETS) == 0;
}

/* Takes a number off the front; 0 where nothing is left, which no caller takes for good. */
static uint64_t take_number(struct view *rest, unsigned octets)
{
	if (rest->length < octets) {
		*rest = VIEW("");
		return 0;
	}
	uint64_t number = number_get(rest->at, octets);
	*rest = view_skip(*rest, octets);
	return number;
}

/* What a file says of itself, whose checksum is right. NULL: it is what was asked for. */
static const char *open_content(struct view content, struct state_kind kind, struct state *to)
{
	struct view rest = view_skip(content, magic.length);
	if (take_number(&rest, 1) != FORMAT_VERSION)
		return "it has a format that this version does not know";
	size_t name_length = take_number(&rest, 1);
	if (rest.length < name_length || !view_is(view_first(rest, name_length), kind.name))
		return "it holds the state of something else";
	rest = view_skip(rest, name_length);
	if (take_number(&rest, 4) != kind.version)
		return "it was written by another version";
	to->written = take_number(&rest, 8);
	if (rest.length < TRAILER_OCTETS)
		return "it is damaged";
	to->payload = view_first(rest, rest.length - TRAILER_OCTETS);
	rest = view_skip(rest, to->payload.length);
	return take_number(&rest, 8) == to->payload.length ? NULL : "it is damaged";
}

enum state_outcome state_read(struct arena *arena, const char *path, struct state_kind kind,
	size_t limit, struct state *to, struct state_problem *why)
{
	const size_t overhead = magic.length + 2 + UINT8_MAX + 4 + 8 + TRAILER_OCTETS;
	struct view content;
	if (limit > SIZE_MAX - overhead)
		limit = SIZE_MAX - overhead;
	int error = file_read(arena, path, limit + overhead, &content);
	if (error == ENOENT)
		return STATE_NONE;
	if (error)
		return refuse(why, path, error_text(error));
	if (!view_starts(content, magic))
		return refuse(why, path, "it is no state file, or damaged");
	if (content.length < magic.length + TRAILER_OCTETS || !checksum_matches(content))
		return refuse(why, path, "it is damaged");
	const char *what = open_content(content, kind, to);
	if (!what && to->payload.length > limit)
		what = error_text(EFBIG);
	return what ? refuse(why, path, what) : STATE_READ;
}
