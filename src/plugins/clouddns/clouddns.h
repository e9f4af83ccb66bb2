/* What the parts of the plugin `clouddns` share. */
#ifndef ISTHMUS_PLUGINS_CLOUDDNS_CLOUDDNS_H
#define ISTHMUS_PLUGINS_CLOUDDNS_CLOUDDNS_H

#include "plugins/mirror_plugin.h"
#include "sync/bearer.h"
#include "sync/google.h"
#include "sync/json_page.h"

/* One occurrence of the directive. */
struct clouddns {
	struct mirror_plugin base;
	const char *credentials_file; /* NULL: as the environment says */
	struct google_credentials credentials;
	struct bearer bearer;
};

/* A managed zone: data of a zone of the mirror. */
struct clouddns_zone {
	const char *project, *managed;
	struct allowance *allowance; /* of the project */
};

extern const struct mirror_provider clouddns_provider;

/* --- record sets (record_set.c) --- */

/* Reads pages of record sets into a listing. */
struct clouddns_sets;
struct clouddns_sets *clouddns_sets_new(struct mirror_listing *l);
void clouddns_sets_free(struct clouddns_sets *s);
extern const struct json_page_kind clouddns_page_kind; /* its owner is a struct clouddns_sets */

#endif
