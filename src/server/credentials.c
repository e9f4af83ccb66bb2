/*
 * Following the files of TLS credentials. They are looked at every few seconds by what is in them: Kubernetes and cert-manager put
 * new ones in place by moving a symbolic link, and times may go backwards in that.
 */
#include "server/credentials.h"

#include "base/clock.h"
#include "base/epoch.h"
#include "base/file.h"
#include "base/sha512.h"
#include "server/block.h"
#include <time.h>

enum { LOOK_INTERVAL_S = 5, FILE_MAX = 4 << 20, READ_ARENA_SIZE = 16 << 10, SECONDS_A_DAY = 86400 };

/* A key of session tickets is not used longer, so that who gets hold of one can read only so much of what was recorded. */
static const uint64_t tickets_lifetime = 24 * 3600 * NS_PER_S;

const struct metric_family certificate_expiry = {
	.name = "isthmus_tls_certificate_expiry_timestamp_seconds",
	.help = "When the TLS certificate in use expires.",
	.kind = METRIC_GAUGE,
	.labels = { "certificate" },
};

const struct metric_family certificate_days = {
	.name = "isthmus_tls_certificate_expiry_days",
	.help = "Days until the TLS certificate in use expires; negative when it has.",
	.kind = METRIC_GAUGE,
	.labels = { "certificate" },
};

const struct metric_family certificate_reloads = {
	.name = "isthmus_tls_certificate_reloads_total",
	.help = "Counter of changes of the TLS certificate's files, by what became of them.",
	.kind = METRIC_COUNTER,
	.labels = { "certificate", "result" },
};

/* --- what is shown --- */

/* All credentials with a certificate that are started. */
static struct credentials *shown;

static void show(const struct credentials *c)
{
	const struct view labels[] = { view_of(c->settings.certificate) };
	int64_t expires = tls_credentials_expires(credentials_now((struct credentials *)c));
	metric_set(metric_get(&certificate_expiry, labels), (double)expires);
	metric_set(metric_get(&certificate_days, labels),
		(double)(expires - (int64_t)time(NULL)) / SECONDS_A_DAY);
}

static void collect(void *data)
{
	(void)data;
	for (const struct credentials *c = shown; c; c = c->next)
		show(c);
}

static void show_from_now_on(struct credentials *c)
{
	static bool collects;
	if (!collects)
		metrics_on_collect(collect, NULL);
	collects = true;
	c->next = shown;
	shown = c;
}

static void show_no_more(struct credentials *c)
{
	for (struct credentials **link = &shown; *link; link = &(*link)->next) {
		if (*link == c) {
			*link = c->next;
			return;
		}
	}
}

static void count_reload(const struct credentials *c, struct view result)
{
	if (c->settings.certificate)
		metric_add(metric_get(&certificate_reloads,
				   (struct view[]){ view_of(c->settings.certificate), result }),
			1);
}

static void warn_of_expiry(const struct plugin *self, const struct credentials *c)
{
	int64_t expires = tls_credentials_expires(credentials_now((struct credentials *)c));
	if (expires < (int64_t)time(NULL))
		plugin_warning(self, "the certificate in %s has expired: clients will refuse it",
			c->settings.certificate);
}

/* --- reading --- */

static void add_file(struct sha512 *hash, struct arena *arena, const char *path)
{
	struct view content = { "", 0 };
	if (path)
		file_read(arena, path, FILE_MAX, &content);
	sha512_add(hash, &content.length, sizeof content.length);
	sha512_add(hash, content.at, content.length);
}

static void digest_of(const struct tls_settings *s, uint8_t digest[static SHA512_OCTETS])
{
	struct arena *arena = arena_new(READ_ARENA_SIZE);
	struct sha512 hash;
	sha512_begin(&hash);
	add_file(&hash, arena, s->certificate);
	add_file(&hash, arena, s->key);
	add_file(&hash, arena, s->authorities);
	for (size_t i = 0; i < s->other_count; i++) {
		add_file(&hash, arena, s->others[i].certificate);
		add_file(&hash, arena, s->others[i].key);
	}
	sha512_end(&hash, digest);
	arena_free(arena);
}

static void credentials_close(void *data)
{
	struct credentials *c = data;
	struct tls_credentials *now = credentials_now(c);
	show_no_more(c);
	if (now)
		tls_credentials_release(now);
}

bool credentials_open(struct credentials *c, struct arena *arena, const char **why)
{
	if (!transports_load(arena, why))
		return false;
	digest_of(&c->settings, c->digest);
	c->read_at = clock_now();
	struct tls_credentials *now = tls_credentials_load(&c->settings, NULL, arena, why);
	if (!now)
		return false;
	atomic_store(&c->now, now);
	arena_on_free(arena, credentials_close, c);
	return true;
}

/* --- several certificates --- */

static bool same_path(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool credentials_agree(const struct credentials *a, const struct credentials *b)
{
	return a->settings.client_auth == b->settings.client_auth &&
	       same_path(a->settings.authorities, b->settings.authorities);
}

static bool has_certificate(const struct tls_settings *s, const char *certificate)
{
	for (size_t i = 0; i < s->other_count; i++)
		if (same_path(s->others[i].certificate, certificate))
			return true;
	return same_path(s->certificate, certificate);
}

void credentials_add(struct credentials *c, struct arena *arena, const struct credentials *other)
{
	struct tls_settings *s = &c->settings;
	if (has_certificate(s, other->settings.certificate))
		return;
	struct tls_pair *all = arena_array(arena, s->other_count + 1, sizeof *all);
	if (s->other_count)
		memcpy(all, s->others, s->other_count * sizeof *all);
	all[s->other_count++] = (struct tls_pair){ other->settings.certificate, other->settings.key };
	s->others = all;
	c->grown = true;
}

bool credentials_reopen(struct credentials *c, struct arena *arena, const char **why)
{
	struct tls_credentials *all = tls_credentials_load(&c->settings, NULL, arena, why);
	if (!all)
		return false;
	digest_of(&c->settings, c->digest);
	tls_credentials_release(atomic_exchange(&c->now, all));
	c->grown = false;
	return true;
}

/* --- following --- */

static void release_retired(void *old)
{
	tls_credentials_release(old);
}

/* Puts others in their place; whoever has just found the old ones can still use them. */
static void replace(struct credentials *c, struct tls_credentials *fresh)
{
	struct tls_credentials *old = atomic_exchange(&c->now, fresh);
	epoch_retire(old, release_retired);
}

static const char *subject(const struct credentials *c)
{
	return c->settings.certificate ? c->settings.certificate : c->settings.authorities;
}

static void read_again(struct plugin *self, struct credentials *c)
{
	const char *why;
	struct arena *arena = arena_new(READ_ARENA_SIZE);
	struct tls_credentials *fresh =
		tls_credentials_load(&c->settings, credentials_now(c), arena, &why);
	if (fresh) {
		replace(c, fresh);
		plugin_info(self, "%s has changed and is used from now on", subject(c));
		warn_of_expiry(self, c);
	} else {
		plugin_error(self, "%s has changed and cannot be used, what was read before is kept: %s",
			subject(c), why);
	}
	count_reload(c, fresh ? VIEW("used") : VIEW("refused"));
	arena_free(arena);
}

/* The same files with a fresh key of session tickets. */
static void renew_tickets(struct credentials *c)
{
	const char *why;
	struct arena *arena = arena_new(READ_ARENA_SIZE);
	struct tls_credentials *fresh = tls_credentials_load(&c->settings, NULL, arena, &why);
	if (fresh) {
		replace(c, fresh);
		c->read_at = clock_now();
	}
	arena_free(arena);
}

static void look(struct plugin *self, struct credentials *c)
{
	uint8_t digest[SHA512_OCTETS];
	digest_of(&c->settings, digest);
	if (memcmp(digest, c->digest, sizeof digest) != 0) {
		memcpy(c->digest, digest, sizeof digest);
		read_again(self, c);
	} else if (!c->settings.is_client && clock_now() - c->read_at > tickets_lifetime) {
		renew_tickets(c);
	}
}

static void follow(struct plugin *self, void *data)
{
	while (task_sleep(self, LOOK_INTERVAL_S * NS_PER_S))
		look(self, data);
}

static void keep_tickets(struct credentials *c, struct credentials *before)
{
	const char *why;
	struct arena *arena = arena_new(READ_ARENA_SIZE);
	struct tls_credentials *same =
		tls_credentials_load(&c->settings, credentials_now(before), arena, &why);
	if (same) {
		tls_credentials_release(atomic_exchange(&c->now, same));
		c->read_at = before->read_at;
	}
	arena_free(arena);
}

void credentials_start(struct plugin *self, struct credentials *c, struct credentials *before)
{
	if (before && credentials_now(before) && !c->settings.is_client)
		keep_tickets(c, before);
	if (c->settings.certificate) {
		show_from_now_on(c);
		warn_of_expiry(self, c);
		show(c);
	}
	if (subject(c))
		task_start(self, follow, c);
}
