/* From a file, standard input or nothing to a Corefile that is parsed, inspected and fingerprinted.
 */
#include "server/corefile.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/sha512.h"
#include "server/corefile/import.h"
#include "server/corefile/key.h"
#include "server/corefile/parse.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char default_path[] = "Corefile";

enum { COREFILE_OCTETS_MAX = 64 * 1024 * 1024 };

/* --- keys --- */

static const char *default_port(enum scheme s, const char *dns_port)
{
	switch (s) {
	case SCHEME_DNS:
		return dns_port;
	case SCHEME_TLS:
	case SCHEME_QUIC:
		return "853";
	case SCHEME_HTTPS:
	case SCHEME_HTTPS3:
	case SCHEME_GRPC:
		return "443";
	case SCHEME_UNIX:
		break;
	}
	return "";
}

static struct key key_of(struct arena *arena, const struct word *word,
	const struct key_parts *parts, size_t i, const char *dns_port)
{
	const char *port = parts->port ? parts->port : default_port(parts->scheme, dns_port);
	struct key k = {
		.scheme = parts->scheme, .zone = parts->zones[i], .port = port, .word = *word
	};
	k.text = arena_printf(
		arena, "%s://%s:%s", scheme_name(k.scheme), name_text(arena, k.zone), port);
	return k;
}

/* A brace that belongs to the block but stands at a key makes a zone of a strange name, and says
 * nothing. */
static void warn_of_brace(struct complaints *c, const struct word *w)
{
	struct view text = w->text;
	if (view_is(text, "}"))
		complain(c, true, w->file, w->line,
			"'}' closes nothing here: it is served as a zone");
	else if (text.length > 1 && text.at[text.length - 1] == '{')
		complain(c, true, w->file, w->line,
			"'%.*s' is served as a zone: a blank is missing before '{'",
			VIEW_ARGS(text));
}

/* Gives how many keys are none. */
static size_t read_keys(struct arena *arena, struct server_block *b, const char *dns_port,
	struct key_parts *parts, struct complaints *c)
{
	size_t bad = 0;
	size_t room = b->word_count;
	b->keys = arena_array(arena, room, sizeof *b->keys);
	for (size_t i = 0; i < b->word_count; i++) {
		const struct word *w = &b->words[i];
		key_read(arena, w->text, parts);
		if (parts->error) {
			complain(c, false, w->file, w->line, "error inspecting server blocks: %s",
				parts->error);
			bad++;
			continue;
		}
		warn_of_brace(c, w);
		size_t need = b->key_count + parts->zone_count + (b->word_count - i - 1);
		if (need > room) {
			struct key *more = arena_array(arena, need * 2, sizeof *more);
			memcpy(more, b->keys, b->key_count * sizeof *more);
			b->keys = more;
			room = need * 2;
		}
		for (size_t z = 0; z < parts->zone_count; z++)
			b->keys[b->key_count++] = key_of(arena, w, parts, z, dns_port);
	}
	return bad;
}

/* --- fingerprint --- */

static void digest_text(struct sha512 *digest, struct view v)
{
	uint64_t length = v.length;
	sha512_add(digest, &length, sizeof length);
	sha512_add(digest, v.at, v.length);
}

static void digest_words(struct sha512 *digest, const struct word *words, size_t count)
{
	digest_text(digest, (struct view){ (const char *)&count, sizeof count });
	for (size_t i = 0; i < count; i++) {
		digest_text(digest, words[i].text);
		digest_text(digest, view_of(words[i].file));
		digest_text(digest,
			(struct view){ (const char *)&words[i].line, sizeof words[i].line });
	}
}

static void digest_block(struct sha512 *digest, const struct server_block *b)
{
	for (size_t i = 0; i < b->key_count; i++)
		digest_text(digest, view_of(b->keys[i].text));
	digest_words(digest, b->words, b->word_count);
	for (const struct directive *d = b->directives; d; d = d->next)
		digest_words(digest, d->words, d->count);
	digest_text(digest, VIEW("}"));
}

static void fingerprint(struct corefile *corefile)
{
	struct sha512 digest;
	sha512_begin(&digest);
	for (const struct server_block *b = corefile->blocks; b; b = b->next)
		digest_block(&digest, b);
	sha512_end(&digest, corefile->fingerprint);
}

/* --- parsing --- */

static struct corefile *parse(struct arena *arena, struct view text, const char *path,
	const char *directory, const char *dns_port, struct complaints *c)
{
	struct corefile *corefile = arena_new_object(arena, struct corefile);
	struct key_parts *parts = arena_new_object(arena, struct key_parts);
	struct word_stream stream;
	size_t errors_before = c->errors;
	corefile->path = path;
	stream_begin(&stream, arena, text, path, directory, c);
	corefile_parse_blocks(&stream, corefile);
	for (struct server_block *b = corefile->blocks; b; b = b->next)
		corefile->misnamed += read_keys(arena, b, dns_port, parts, c);
	fingerprint(corefile);
	return c->errors - errors_before > corefile->misnamed ? NULL : corefile;
}

static struct corefile *built_in(struct arena *arena, const char *dns_port, struct complaints *c)
{
	const char *text = arena_printf(arena, ".:%s {\nwhoami\nlog\n}\n", dns_port);
	struct corefile *corefile = parse(arena, view_of(text), default_path, NULL, dns_port, c);
	if (corefile)
		corefile->builtin = true;
	return corefile;
}

/* No server block at all is the built-in Corefile, without a word about it. */
static struct corefile *parse_or_built_in(struct arena *arena, struct view text, const char *path,
	const char *directory, const char *dns_port, struct complaints *c)
{
	struct corefile *corefile = parse(arena, text, path, directory, dns_port, c);
	if (!corefile || corefile->blocks || corefile->misnamed)
		return corefile;
	complain(c, true, path, 0, "%s has no server block: the built-in one is used", path);
	return built_in(arena, dns_port, c);
}

struct corefile *corefile_parse(struct arena *arena, struct view text, const char *path,
	const char *dns_port, struct complaints *c)
{
	struct corefile *corefile = parse_or_built_in(arena, text, path, NULL, dns_port, c);
	return corefile && corefile->misnamed ? NULL : corefile;
}

/* --- sources --- */

/* The folder of the path, absolute. */
static const char *directory_of(struct arena *arena, const char *path)
{
	char current[PATH_MAX];
	const char *slash = strrchr(path, '/');
	struct view folder = { path, slash ? (size_t)(slash - path) : 0 };
	if (path[0] == '/')
		return folder.length ? arena_string(arena, folder) : "/";
	if (!getcwd(current, sizeof current))
		return "/";
	return arena_printf(arena, "%s/%.*s", current, VIEW_ARGS(folder));
}

/* Standard input is a source unless it is a terminal or /dev/null. */
static bool stdin_has_text(void)
{
	struct stat st;
	return fstat(STDIN_FILENO, &st) == 0 && !S_ISCHR(st.st_mode);
}

static bool is_stdin(const struct corefile_source *source)
{
	return source->path && strcmp(source->path, "stdin") == 0;
}

/* Reads standard input once; a reload gets the text that was there at the start. Gives errno. */
static int keep_stdin(struct corefile_source *source)
{
	struct view text = { "", 0 };
	if (source->stdin_read)
		return 0;
	struct arena *arena = arena_new(4096);
	int error = file_read_open(arena, STDIN_FILENO, COREFILE_OCTETS_MAX, &text);
	if (!error) {
		static char *kept; /* for the process's life */
		kept = memory_alloc(text.length + 1);
		memcpy(kept, text.at, text.length);
		source->stdin_read = true;
		source->stdin_text = (struct view){ kept, text.length };
	}
	arena_free(arena);
	return error;
}

void corefile_read_stdin(struct corefile_source *source)
{
	if (is_stdin(source) && stdin_has_text())
		keep_stdin(source);
}

static bool read_stdin(struct corefile_source *source, struct complaints *c)
{
	int error = keep_stdin(source);
	if (error) {
		complain(c, false, "/dev/stdin", 0,
			"loading Caddyfile via flag: read /dev/stdin: %s", error_text(error));
		return false;
	}
	return true;
}

static struct corefile *load_stdin(struct arena *arena, struct corefile_source *source,
	const char *dns_port, struct complaints *c)
{
	if (!read_stdin(source, c))
		return NULL;
	return parse_or_built_in(arena, source->stdin_text, "/dev/stdin", "/dev", dns_port, c);
}

static struct corefile *load_file(
	struct arena *arena, const char *path, const char *dns_port, struct complaints *c)
{
	struct view text;
	int error = file_read(arena, path, COREFILE_OCTETS_MAX, &text);
	if (error) {
		complain(c, false, path, 0, "loading Caddyfile via flag: %s %s: %s",
			error == EISDIR ? "read" : "open", path, error_text(error));
		return NULL;
	}
	return parse_or_built_in(arena, text, path, directory_of(arena, path), dns_port, c);
}

static struct corefile *load_default(
	struct arena *arena, const char *dns_port, struct complaints *c)
{
	struct view text;
	int error = file_read(arena, default_path, COREFILE_OCTETS_MAX, &text);
	if (error == ENOENT)
		return built_in(arena, dns_port, c);
	if (error) {
		complain(c, false, default_path, 0, "open %s: %s", default_path, error_text(error));
		return NULL;
	}
	return parse_or_built_in(
		arena, text, default_path, directory_of(arena, default_path), dns_port, c);
}

struct corefile *corefile_load(
	struct arena *arena, struct corefile_source *source, struct complaints *c)
{
	const char *dns_port = source->dns_port ? source->dns_port : "53";
	bool from_stdin = is_stdin(source);
	if (from_stdin && (source->stdin_read || stdin_has_text()))
		return load_stdin(arena, source, dns_port, c);
	if (source->path && source->path[0] && !from_stdin)
		return load_file(arena, source->path, dns_port, c);
	return load_default(arena, dns_port, c);
}
