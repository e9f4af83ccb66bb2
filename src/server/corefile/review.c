/*
 * Warnings that need no plugin to be set up: directives that are written twice, that no query can
 * reach, blocks that answer nothing or are never asked, keys that promise TLS without it.
 */
#include "server/corefile/review.h"

#include "base/map.h"
#include "base/text.h"
#include "server/registry.h"

/* Directives that give answers of their own, and where their zones stand behind the name, if they
 * answer for all of these unless `fallthrough` says otherwise. */
static const struct answerer {
	const char *name;
	unsigned zones_at;
	bool keeps;  /* what is in its zones goes no further */
	bool always; /* whatever the words: it answers everything */
} answerers[] = {
	{ "template" },
	{ "hosts", .keeps = true, .zones_at = 2 },
	{ "route53" },
	{ "azure" },
	{ "clouddns" },
	{ "k8s_external" },
	{ "kubernetai", .keeps = true, .zones_at = 1 },
	{ "kubernetes", .keeps = true, .zones_at = 1 },
	{ "file", .keeps = true, .zones_at = 2 },
	{ "auto" },
	{ "secondary", .keeps = true, .zones_at = 1 },
	{ "etcd", .keeps = true, .zones_at = 1 },
	{ "forward", .keeps = true, .zones_at = 1 },
	{ "grpc", .keeps = true, .zones_at = 1 },
	{ "erratic", .always = true },
	{ "whoami", .always = true },
	{ "nomad" },
	{ "chaos" },
	{ "local" },
	{ "ddr" },
	{ "any" },
	{ "acl" },
};

enum { ANSWERERS = sizeof answerers / sizeof answerers[0] };

static const struct answerer *answerer_of(const struct directive *d)
{
	for (size_t i = 0; i < ANSWERERS; i++) {
		if (view_is(d->words[0].text, answerers[i].name))
			return &answerers[i];
	}
	return NULL;
}

static bool is_named(const struct directive *d, const char *name)
{
	return view_is(d->words[0].text, name);
}

static void warn(struct complaints *c, const struct word *w, const char *text)
{
	complain(c, true, w->file, w->line, "%s", text);
}

/* --- within a block --- */

static unsigned position_of(const struct directive *d)
{
	unsigned position = 0;
	registry_find(d->words[0].text, &position);
	return position;
}

/* An option at the beginning of a line of the directive's block. */
static bool has_option(const struct directive *d, const char *name)
{
	for (size_t i = 1; i < d->count; i++) {
		const struct word *before = &d->words[i - 1];
		bool leads = d->words[i].first || (!before->quoted && view_is(before->text, "{"));
		if (leads && view_is(d->words[i].text, name))
			return true;
	}
	return false;
}

/* Whether no query of the block gets past this directive. */
static bool stops_everything(const struct directive *d)
{
	const struct answerer *a = answerer_of(d);
	if (!a || a->always || !a->keeps)
		return a && a->always;
	if (has_option(d, "fallthrough") || has_option(d, "except") || has_option(d, "next"))
		return false;
	bool any_zone = false;
	for (size_t i = a->zones_at; i < d->count && !d->words[i].first; i++) {
		if (view_is(d->words[i].text, "{"))
			break;
		any_zone = true;
		if (view_is(d->words[i].text, "."))
			return true;
	}
	return !any_zone;
}

/* `a` meets a query before `b`. */
static bool stands_before(const struct directive *a, const struct directive *b)
{
	unsigned x = position_of(a), y = position_of(b);
	return x < y || (x == y && is_named(a, "forward"));
}

static const struct directive *first_stop(const struct server_block *b)
{
	const struct directive *stop = NULL;
	for (const struct directive *d = b->directives; d; d = d->next) {
		if (stops_everything(d) && (!stop || position_of(d) < position_of(stop)))
			stop = d;
	}
	return stop;
}

static void review_reach(const struct server_block *b, struct complaints *c)
{
	const struct directive *stop = first_stop(b);
	if (!stop)
		return;
	for (const struct directive *d = b->directives; d; d = d->next) {
		if (d == stop || !answerer_of(d) || !stands_before(stop, d))
			continue;
		const struct word *w = &d->words[0];
		complain(c, true, w->file, w->line,
			"'%.*s' is never reached: '%.*s' in line %u answers everything before it",
			VIEW_ARGS(w->text), VIEW_ARGS(stop->words[0].text), stop->words[0].line);
	}
}

static void review_answers(const struct server_block *b, struct complaints *c)
{
	if (!b->directives)
		return;
	for (const struct directive *d = b->directives; d; d = d->next) {
		if (answerer_of(d))
			return;
	}
	complain(c, true, b->file, b->line, "no plugin of the block of '%.*s' answers anything",
		VIEW_ARGS(b->words[0].text));
}

/* All words of a directive as one text that no other words have. */
static struct view words_text(struct arena *a, const struct directive *d)
{
	struct text t = { 0 };
	for (size_t i = 0; i < d->count; i++) {
		text_add(&t, d->words[i].text);
		text_add_char(&t, d->words[i].first ? '\n' : '\0');
	}
	struct view kept = arena_copy(a, text_view(&t));
	text_free(&t);
	return kept;
}

static void review_repeats(const struct server_block *b, struct complaints *c)
{
	struct map seen = { 0 };
	for (const struct directive *d = b->directives; d; d = d->next) {
		void **place = map_put(&seen, c->arena, words_text(c->arena, d));
		const struct directive *before = *place;
		const struct word *w = &d->words[0];
		if (before)
			complain(c, true, w->file, w->line,
				"'%.*s' stands twice in this block, first in line %u",
				VIEW_ARGS(w->text), before->words[0].line);
		else
			*place = (void *)d;
	}
}

static bool block_has(const struct server_block *b, const char *name)
{
	for (const struct directive *d = b->directives; d; d = d->next) {
		if (is_named(d, name))
			return true;
	}
	return false;
}

static void review_schemes(const struct server_block *b, struct complaints *c)
{
	bool tls = block_has(b, "tls");
	const struct word *last = NULL;
	for (size_t i = 0; i < b->key_count; i++) {
		const struct key *k = &b->keys[i];
		bool wants_tls = k->scheme != SCHEME_DNS && k->scheme != SCHEME_UNIX;
		if (last && last->text.at == k->word.text.at)
			continue;
		last = &k->word;
		if (k->scheme == SCHEME_UNIX)
			warn(c, &k->word, "a unix:// key opens no listener");
		else if (wants_tls && !tls)
			complain(c, true, k->word.file, k->word.line,
				"%s:// without `tls` in the block is not encrypted",
				scheme_name(k->scheme));
	}
}

/* --- between blocks --- */

/* Whether the block answers whatever comes to its keys: no view chooses, no address. */
static bool takes_all(const struct server_block *b)
{
	return !block_has(b, "view") && !block_has(b, "bind");
}

static const struct server_block *taken_by(const struct map *takers, const struct key *k)
{
	void **place = map_find(takers, view_of(k->text));
	return place ? *place : NULL;
}

/* A block with a view behind one without is never asked; two without are an error that the server
 * itself finds. */
static void review_shadow(struct map *takers, const struct server_block *b, struct complaints *c)
{
	const struct server_block *taker = NULL;
	bool all = block_has(b, "view") && !block_has(b, "bind");
	for (size_t i = 0; i < b->key_count && all; i++) {
		taker = taken_by(takers, &b->keys[i]);
		all = taker != NULL;
	}
	if (all && taker)
		complain(c, true, b->file, b->line,
			"the block of '%.*s' is never asked: the one in line %u has no view and "
			"comes first",
			VIEW_ARGS(b->words[0].text), taker->line);
	if (!takes_all(b))
		return;
	for (size_t i = 0; i < b->key_count; i++)
		*map_put(takers, c->arena, view_of(b->keys[i].text)) = (void *)b;
}

void corefile_review(const struct corefile *corefile, struct complaints *c)
{
	struct map takers = { 0 };
	for (const struct server_block *b = corefile->blocks; b; b = b->next) {
		review_repeats(b, c);
		review_reach(b, c);
		review_answers(b, c);
		review_schemes(b, c);
		review_shadow(&takers, b, c);
	}
}
