/* What the parts of the plugin `clouddns` share. */
#ifndef ISTHMUS_PLUGINS_CLOUDDNS_CLOUDDNS_H
#define ISTHMUS_PLUGINS_CLOUDDNS_CLOUDDNS_H

#include "plugins/mirror_plugin.h"
#include "sync/bearer.h"
#include "sync/google.h"

/* One occurrence of the directive. */
struct clouddns {
	struct mirror_plugin base;
	const char *credentials_file; /* NULL: as the environment says */
	const char *endpoint;         /* of the API, without a slash at its end; NULL: of the credentials' universe */
	struct google_credentials credentials;
	struct bearer bearer;
};

/* A managed zone: data of a zone of the mirror. */
struct clouddns_zone {
	const char *project, *managed;
};

extern const struct mirror_provider clouddns_provider;

#endif
