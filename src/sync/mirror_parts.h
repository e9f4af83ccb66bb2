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
};

struct mirror {
	struct mirror_settings settings;
	struct arena *arena;
	struct name_map origins; /* to the first struct mirror_zone of each */
	struct mirror_zone *newest;
	size_t zone_count;
	struct http_client *http;
	bool collecting;
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

/* --- mirror_state.c: zones on the disk --- */

/* The copy that the disk has, and when it was written; NULL: none that can be used. Says what is wrong with it. */
struct mirror_copy *mirror_state_load(const struct mirror_zone *z, uint64_t *written);

/* Puts the zone's copy on the disk; may wait. Says what went wrong. */
bool mirror_state_save(const struct mirror_zone *z);

#endif
