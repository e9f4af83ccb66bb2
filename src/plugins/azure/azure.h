/* What the parts of the plugin `azure` share. */
#ifndef ISTHMUS_PLUGINS_AZURE_AZURE_H
#define ISTHMUS_PLUGINS_AZURE_AZURE_H

#include "plugins/mirror_plugin.h"
#include "sync/azure.h"
#include "sync/bearer.h"
#include "sync/json_page.h"

/* All occurrences of the directive in a block are one instance: the zones of all, the last value of each option. */
struct azure {
	struct mirror_plugin base;
	struct view environment;
	const char *subscription; /* "" where it is not configured */
	struct azure_credentials credentials;
	struct bearer bearer;
	struct allowance *allowance;  /* of the subscription */
	struct azure_access *reading; /* of the occurrence that is being read */
};

/* Whether the zones of one occurrence are private ones. */
struct azure_access {
	bool private;
};

/* A zone of a resource group: data of a zone of the mirror. */
struct azure_zone {
	const char *group, *zone; /* the zone without its final dot */
	const struct azure_access *access;
};

extern const struct mirror_provider azure_provider;

/* --- record sets (record_set.c) --- */

/* Reads pages of record sets, of public and private zones, into a listing. */
struct azure_sets;
struct azure_sets *azure_sets_new(struct mirror_listing *l);
void azure_sets_free(struct azure_sets *s);
extern const struct json_page_kind azure_page_kind; /* its owner is a struct azure_sets */

#endif
