/*
 * The Corefile as a value: server blocks with their keys and directives, words with file and line, imports,
 * snippets and environment already resolved. Reading one opens no socket and knows no plugin.
 */
#ifndef ISTHMUS_SERVER_COREFILE_H
#define ISTHMUS_SERVER_COREFILE_H

#include "base/arena.h"
#include "dns/name.h"
#include "net/endpoint.h"
#include <stdio.h>

/* A word with the place where it started. `lines` is the number of line feeds inside it (quoted words). */
struct word {
	struct view text;
	const char *file; /* as shown in messages */
	unsigned line, lines;
	bool quoted;
	bool first; /* of its line, or of what an import put there */
};

/* One occurrence of a directive: its name, the words of its line, and of its { } block if it has one. */
struct directive {
	struct directive *next; /* in the order of the file */
	struct word *words;     /* words[0] is the name; braces are words */
	size_t count;
};

enum scheme {
	SCHEME_DNS,
	SCHEME_TLS,
	SCHEME_QUIC,
	SCHEME_GRPC,
	SCHEME_HTTPS3,
	SCHEME_HTTPS,
	SCHEME_UNIX,
};

enum { SCHEME_COUNT = SCHEME_UNIX + 1 };

/* "dns", "tls", ... */
const char *scheme_name(enum scheme s);

/* A key of a server block after inspection: scheme://zone:port, CIDRs expanded. */
struct key {
	enum scheme scheme;
	struct name zone; /* lower case */
	const char *port; /* as written, leading zeros off */
	const char *text; /* "dns://example.org.:53" */
	struct word word;
};

struct server_block {
	struct server_block *next;
	struct key *keys;
	size_t key_count;
	struct directive *directives;
	struct word *words; /* the keys as written */
	size_t word_count;
	unsigned line;
	const char *file;
};

struct corefile {
	struct server_block *blocks;
	size_t block_count;
	size_t misnamed;         /* names of directives that there are not, and keys that are none: not to be used */
	const char *path;       /* as shown in messages: the -conf value */
	uint8_t fingerprint[64]; /* SHA-512 over keys, words, files and lines: what `reload` shows */
	bool builtin;           /* the default Corefile */
};

/* An error with its place, as `check` lists them; `line` 0 when it has none. */
struct complaint {
	struct complaint *next;
	const char *file;
	unsigned line;
	bool warning;
	const char *text; /* the whole message as the server prints it, place included */
};

struct complaints {
	struct complaint *first, **last;
	size_t errors, warnings;
	struct arena *arena;
};

void complaints_init(struct complaints *c, struct arena *arena);
void complain(struct complaints *c, bool warning, const char *file, unsigned line,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Whether its text says where it is, or there is no place to say. */
bool complaint_has_place(const struct complaint *c);

/* Writes the complaint as one line, its place in front where the text does not have it: "Corefile:3: warning: ...". */
void complaint_print(const struct complaint *c, FILE *to);

/* Where a Corefile comes from. */
struct corefile_source {
	const char *path;      /* -conf, or NULL: ./Corefile or the built-in one */
	const char *dns_port;  /* -dns.port */
	bool stdin_read;       /* the text of standard input was read and kept in stdin_text */
	struct view stdin_text;
};

/* Reads standard input now, if that is where the Corefile comes from: for a process that will be forked. */
void corefile_read_stdin(struct corefile_source *source);

/*
 * Reads, parses and inspects the Corefile; all memory in the arena. Checks syntax, that each directive's name is one of
 * order.def, keys, and nothing that a plugin must decide. NULL when it cannot be read or its syntax is wrong; with wrong
 * names only (`misnamed`) it is there for its fingerprint, but for nothing else.
 */
struct corefile *corefile_load(
	struct arena *arena, struct corefile_source *source, struct complaints *c);

/* The same from text; NULL when c->errors > 0. */
struct corefile *corefile_parse(struct arena *arena, struct view text, const char *path,
	const char *dns_port, struct complaints *c);

/* Zones from a name or CIDR as plugins take them as ZONES arguments (6.2, 6.3 of the language): scheme and port
 * off, absolute, lower case. Gives how many; 0 when the text is none. */
size_t corefile_zones(struct arena *arena, struct view text, struct name **zones);

#endif
