/*
 * Mirrors: zones that are copied, whole and again and again, from a provider (Route 53, Cloud DNS, Azure DNS). A provider says
 * how one zone is listed; all else is the mirror's: when that is done, what becomes of failures, of an answer that is
 * too large or suspiciously small, publishing, the copy on disk, metrics and log lines.
 *
 * A query sees a zone by mirror_zone() and never waits for a listing. What was listed once is served until a better
 * listing is there, however long that takes. All functions but mirror_zone() and its like belong to the control thread.
 */
#ifndef ISTHMUS_SYNC_MIRROR_H
#define ISTHMUS_SYNC_MIRROR_H

#include "server/plugin.h"
#include "sync/attempts.h"
#include "sync/http.h"
#include "zone/zone.h"

struct mirror;

/* --- for providers --- */

/*
 * One listing (or check) of one hosted zone, under way on a fiber of the control thread. A provider uses the first part;
 * it has a new one for each listing, and keeps in it what it needs by `arena`.
 */
struct mirror_listing {
	struct plugin *self;         /* for log lines */
	void *provider;              /* mirror_settings.provider_data: account, credentials */
	struct name origin;          /* in lower case */
	const char *id;              /* as given to mirror_add_zone() */
	void *zone_data;             /* the same */
	struct http_client *http;
	const _Atomic bool *stop;    /* for http_request.stop and attempts.stop */
	struct arena *arena;         /* freed after the listing */
	const char *error;           /* in the arena, once mirror_fail() has said why */
	const char *problem;         /* in the arena: why the last record was bad */
	bool throttled;              /* set before mirror_fail(): the provider says that it is asked too much */
	unsigned complaints;         /* made by mirror_complain() so far */

	struct mirror_intake *intake; /* the mirror's own */
};

struct mirror_provider {
	const char *name;  /* "route53" */
	const char *title; /* "Route53", in log lines */
	/*
	 * Asks whether the zone is there, before the first listing at the start. False after mirror_fail(). May wait. NULL: the
	 * first listing will tell.
	 */
	bool (*check)(struct mirror_listing *l);
	/* Gives all records of the zone to mirror_add() and its like. False after mirror_fail(): nothing of the listing is used.
	 * May wait (in http_perform(), attempts_next()). */
	bool (*list)(struct mirror_listing *l);
};

/* Why the listing failed, without secrets: goes into the log. Always gives false. */
bool mirror_fail(struct mirror_listing *l, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Warns of something in the listing that was left out; of the first MIRROR_COMPLAINTS_MAX a listing, then says how many more there
 * were. The format begins as CoreDNS words it: "Failed to process resource record set: ...". */
enum { MIRROR_COMPLAINTS_MAX = 20 };
void mirror_complain(struct mirror_listing *l, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

enum mirror_taken {
	MIRROR_TAKEN,
	MIRROR_BAD,     /* this record cannot be used: l->problem says why. Whether that matters is the provider's rule */
	MIRROR_GIVE_UP, /* the listing has failed, mirror_fail() was called: return false from list() */
};

/* Adds a copy of a record. What is not of the zone (another owner, class) is left out and counted. */
enum mirror_taken mirror_add(struct mirror_listing *l, const struct record *r);

/* Adds a record whose rdata is in presentation form, as in a master file: names in it are complete, with or without their
 * final dot. `text` is one line. l->problem is as CoreDNS's parser words it: `dns: bad A A: "1.2.3"`. */
enum mirror_taken mirror_add_text(struct mirror_listing *l, struct name owner, uint32_t ttl,
	uint16_t type, struct view text);

/* Adds an alias: whoever asks for this type (A, AAAA, ...) of the owner gets the records that the target has, looked up through
 * the server when it is asked for, under the owner's name. */
enum mirror_taken mirror_add_alias(struct mirror_listing *l, struct name owner, uint16_t type,
	struct name target);

/* Counts a request (isthmus_sync_requests_total); status 0: no answer came. */
void mirror_count_request(const struct mirror_listing *l, long status);

/* --- for plugins: setting up --- */

struct mirror_settings {
	struct plugin *self;
	const struct mirror_provider *provider;
	void *provider_data;
	/*
	 * What the records are of, beside zone and id: endpoint and account, without secrets. After a reload, and from the disk, only
	 * zones of the same identity are taken over. Set before mirror_start().
	 */
	const char *identity;
	uint64_t interval;      /* ns, from the end of a listing to the next */
	uint64_t start_timeout; /* how long a start waits for first listings; 0: for as long as they take */
	const char *const *lead; /* endpoints of an etcd, by which one of several servers lists for all; NULL: none */
	size_t lead_count;
	const char *persist;    /* a folder for copies on disk; NULL: none */
	unsigned shrink_guard;  /* percent; 0: off, see mirror_plugin.h */
	size_t records_most;    /* of a zone; 0: MIRROR_RECORDS_MOST */
};

enum { MIRROR_RECORDS_MOST = 20000000 };

/* Freed by mirror_free() (void * for arena_on_free()) after its tasks have ended. The settings' texts are kept, not copied. */
struct mirror *mirror_new(const struct mirror_settings *settings);
void mirror_free(void *mirror);

/* One more hosted zone; several may have the same origin, and are asked in this order. `id` is unique together with the
 * origin and safe to show: "Z1", "proj:zone-a", "group:example.org". Name and texts are kept. */
void mirror_add_zone(struct mirror *m, struct name origin, const char *id, void *zone_data);

/*
 * From plugin_type.start(): checks and lists all zones, and goes on doing that by tasks of the plugin. Waits for the first
 * listings. Zones that `before` (the same plugin's mirror in the configuration that is being replaced; NULL: none) or the disk
 * have need not be waited for. False with *why (in the arena) when a zone can be had from nowhere.
 */
bool mirror_start(struct mirror *m, struct mirror *before, struct arena *arena, const char **why);

/* From plugin_type.shutdown(): the server ends soon, another one may list in its place. May wait. */
void mirror_shutdown(struct mirror *m);

/* Whether every zone is there. */
bool mirror_ready(const struct mirror *m);

/* --- for queries: any thread --- */

/* The zones of the longest origin above qname: NULL, or the first of them. */
struct mirror_zone;
const struct mirror_zone *mirror_above(const struct mirror *m, struct name qname);

/* The next hosted zone of the same origin; NULL: that was the last. */
const struct mirror_zone *mirror_next(const struct mirror_zone *z);

/* What there is of it now: good for as long as the query. NULL: nothing was ever listed. */
const struct zone *mirror_zone(const struct mirror_zone *z);

/* How old that is, in ns; for `explain`. */
uint64_t mirror_zone_age(const struct mirror_zone *z);
const char *mirror_zone_id(const struct mirror_zone *z);

/* The type of record in which a mirrored zone keeps aliases: rdata is the type (2 octets) and the target. A private one
 * (RFC 6895 3.1); it is never served as such, nor taken from a provider. */
enum { MIRROR_ALIAS_TYPE = 65401 };

/* For documentation; ended by NULL. */
extern const struct metric_family *const mirror_metrics[];

#endif
