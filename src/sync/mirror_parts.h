/* The inside of a mirror; for mirror*.c alone. All but `zone` and `listed` belongs to the control thread. */
#ifndef ISTHMUS_SYNC_MIRROR_PARTS_H
#define ISTHMUS_SYNC_MIRROR_PARTS_H

#include "dns/name_map.h"
#include "sync/mirror.h"

/* A zone as it was listed once, which a mirror shares with the one that takes its place at a reload. */
struct mirror_copy {
	struct zone *zone;
	uint64_t digest; /* see mirror_intake */
	unsigned owners;
};

/* A copy with one owner, who takes the zone over. */
struct mirror_copy *mirror_copy_new(struct zone *zone, uint64_t digest);

enum mirror_result {
	MIRROR_LISTED,
	MIRROR_UNCHANGED,
	MIRROR_FAILED,
	MIRROR_SHRUNK,
	MIRROR_RESULTS,
};

struct mirror_counts {
	struct metric *age, *records, *last_success, *results[MIRROR_RESULTS];
};

enum { MIRROR_VERSION_MAX = 17 };

/* What etcd has of a zone: a version in `count` pieces, which became `octets` from `length`. */
struct mirror_head {
	char version[MIRROR_VERSION_MAX]; /* empty: nothing */
	uint64_t count, octets, length;
	uint64_t seen; /* Unix seconds: when it was last seen to be what the provider has */
};

struct mirror_share {
	struct view key;          /* of the head */
	struct mirror_head there; /* what etcd has */
	char version[MIRROR_VERSION_MAX]; /* that `copy` is; empty: of none */
	bool news;                /* `there` has not been looked at yet */
};

struct mirror_zone {
	struct mirror *mirror;
	struct mirror_zone *same;  /* the next of this origin */
	struct mirror_zone *older; /* the one that was added before, whatever its origin */
	struct name origin;
	const char *origin_text, *id;
	void *data;

	_Atomic(const struct zone *) zone; /* of `copy`, for queries */
	_Atomic uint64_t listed;           /* clock_now() of the last good listing's end */

	struct mirror_copy *copy; /* NULL: nothing was ever listed */
	uint64_t due;             /* of the next listing */
	bool busy;                /* it is being listed */
	bool checked;
	bool settled;             /* the start need not wait for it: listed, taken over, or failed */
	char *failure;            /* why the start fails, on the heap */
	unsigned failures;        /* of listings since the last good one */
	uint64_t shrunk_digest;   /* of a listing that was refused for being small */
	unsigned shrunk;          /* how often in a row it came */
	bool kept;                /* `copy` is what the disk has */
	struct mirror_counts counts;
	struct mirror_share share; /* with `lead` */
};

struct mirror {
	struct mirror_settings settings;
	struct arena *arena;
	struct name_map origins; /* to the first struct mirror_zone of each */
	struct mirror_zone *newest;
	size_t zone_count;
	struct http_client *http;
	bool collecting;
	struct mirror_lead *lead; /* NULL: every server lists for itself */
};

/* --- mirror_intake.c: a listing's records on their way into a zone --- */

struct mirror_intake {
	struct mirror_listing *listing;
	struct zone_builder *builder;
	size_t most, count, outside;
	uint64_t digest;   /* of all records, whatever their order */
	uint8_t *rdata;    /* MESSAGE_MAX octets */
};

void mirror_intake_begin(struct mirror_intake *in, struct mirror_listing *l, size_t most);

/* The zone of what was taken in; NULL after mirror_fail(). */
struct zone *mirror_intake_seal(struct mirror_intake *in);

/* A record's share of a digest: they are added up. */
uint64_t mirror_digest(const struct record *r);

/* Says what was left out, and how many complaints were not made. */
void mirror_intake_summary(const struct mirror_intake *in);
void mirror_intake_end(struct mirror_intake *in);

/* --- mirror_counts.c --- */

void mirror_counts_find(struct mirror_zone *z);
void mirror_count(struct mirror_zone *z, enum mirror_result result);

/* Sets the gauges that tell of the zone's age; for metrics_on_collect(). */
void mirror_counts_collect(void *mirror);

/* --- mirror.c --- */

/* Lets queries see this copy, which `ns` ago was what the provider has, in place of the one before; and keeps it on the disk. */
void mirror_take_copy(struct mirror_zone *z, struct mirror_copy *c, uint64_t ns);

/* --- mirror_lead.c: one server lists for all that share an etcd --- */

/* Begins to take part. False with *why (in the arena). */
bool mirror_lead_start(struct mirror *m, struct arena *arena, const char **why);

/* Leads no more, and lets another server lead at once; may wait. */
void mirror_lead_resign(struct mirror_lead *l);

/* After the tasks. */
void mirror_lead_free(struct mirror_lead *l);

/* Whether this server is to list the zone. */
bool mirror_lead_may_list(const struct mirror_zone *z);

/* After a good listing: tells the others; may wait. */
void mirror_lead_share(struct mirror_zone *z);

/* --- mirror_state.c: zones on the disk, and as one run of octets --- */

/* Adds the zone's copy as a state file's payload has it; and reads that. NULL with *why. */
void mirror_encode(const struct mirror_zone *z, struct text *to);
struct mirror_copy *mirror_decode(const struct mirror_zone *z, struct view payload, const char **why);

/* The copy that the disk has, and when it was written; NULL: none that can be used. Says what is wrong with it. */
struct mirror_copy *mirror_state_load(const struct mirror_zone *z, uint64_t *written);

/* Puts the zone's copy on the disk; may wait. Says what went wrong. */
bool mirror_state_save(const struct mirror_zone *z);

#endif
