/* Loading a zone from its master file. Reads files: never on a worker. */
#ifndef ISTHMUS_ZONE_ZONE_LOAD_H
#define ISTHMUS_ZONE_ZONE_LOAD_H

#include "zone/zone.h"

#include <sys/stat.h>

enum zone_load_result {
	ZONE_LOADED,
	ZONE_UNCHANGED, /* the file's serial is the one given */
	ZONE_NOT_OPENED,
	ZONE_BROKEN,
};

/* What to load, and what came of it. */
struct zone_load {
	const char *path; /* as shown in messages */
	struct name origin;
	bool has_serial; /* reading stops at a SOA with this serial */
	uint32_t serial;
	struct arena *arena; /* for `error` */

	struct zone *zone;   /* ZONE_LOADED: the caller's */
	const char *error;   /* as CoreDNS words it */
	size_t outside;	     /* records left out because they are not the zone's */
	bool includes;	     /* other files were read, too */
	bool changed;	     /* the file was written to while it was read */
	struct stat version; /* of the file that was read */
};

enum zone_load_result zone_load(struct zone_load *l);

/* Whether two looks at a file saw the same version of it. */
bool file_same_version(const struct stat *a, const struct stat *b);

#endif
