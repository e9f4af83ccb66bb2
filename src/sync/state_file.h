/*
 * The last good state of a source, on disk: a server that starts while its source is away begins with it. A file has a kind
 * with a version, and a checksum over every octet: one that was damaged, cut off or written for another kind is refused,
 * and never used in part. It is put in its place whole, by a rename, when it is on the disk.
 *
 *     "isthmus state\n", the format's version (1 octet), the kind's name (1 octet of length in front), its version (4),
 *     when it was written (8: Unix seconds), the payload, its length (8), and the first 32 octets of the SHA-512 of all
 *     of that. Numbers are little-endian.
 *
 * The control thread alone, or a program that has no loop. What is kept can be secret: the file is its owner's only.
 */
#ifndef ISTHMUS_SYNC_STATE_FILE_H
#define ISTHMUS_SYNC_STATE_FILE_H

#include "base/arena.h"

/* What a file holds. A payload whose meaning changes gets another version: files of an older one are refused. */
struct state_kind {
	const char *name; /* at most 255 octets: "kubernetes" */
	uint32_t version;
};

enum { STATE_WHY_MAX = 256 };

/* Where a function says why it failed. */
struct state_problem {
	char text[STATE_WHY_MAX];
};

/* --- reading --- */

enum state_outcome {
	STATE_READ,
	STATE_NONE,    /* there is no such file */
	STATE_REFUSED, /* with the reason in the problem */
};

struct state {
	struct view payload;
	uint64_t written; /* Unix seconds */
};

/* Reads the file into the arena, if it is whole. A payload of more than `limit` octets is refused. */
enum state_outcome state_read(struct arena *arena, const char *path, struct state_kind kind,
	size_t limit, struct state *to, struct state_problem *why);

/* --- writing --- */

struct state_writer;

/* Begins a file that will stand at `path`: until then it is PATH.new. NULL with *why; also while
 * another writer, of this process or another, has the same path. */
struct state_writer *state_write_begin(
	const char *path, struct state_kind kind, struct state_problem *why);

/* The next octets of the payload; an error shows at the end. */
void state_write_add(struct state_writer *w, struct view octets);

/* Puts the file in its place, and frees the writer. On a loop the caller's fiber waits while the disk takes it. False with *why: what
 * stood at the path before still does. */
bool state_write_end(struct state_writer *w, struct state_problem *why);

/* Gives it up, and frees the writer. */
void state_write_abandon(struct state_writer *w);

#endif
