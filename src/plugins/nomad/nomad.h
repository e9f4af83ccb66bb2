/* The plugin `nomad`, and where its services come from. */
#ifndef ISTHMUS_PLUGINS_NOMAD_NOMAD_H
#define ISTHMUS_PLUGINS_NOMAD_NOMAD_H

#include "plugins/errand.h"
#include "sync/http.h"

enum {
	NOMAD_NAME_MAX = 128,         /* octets of a service's or namespace's name that are taken from Nomad */
	NOMAD_REGISTRATIONS_MAX = 4096, /* of one service */
};

/* Where Nomad is, and who asks. */
struct nomad_access {
	struct nomad_address {
		const char *text; /* as written */
		const char *url;  /* without a path */
		const char *unix_socket, *connect_to; /* as in struct http_request; NULL: none */
	} *addresses;
	size_t address_count, address_capacity;
	const char *token;         /* the header's line; NULL: none */
	const char *authorization; /* the same */
	struct view filter, region;
	struct http_tls tls;
};

/* One address and port of a service. */
struct nomad_registration {
	uint8_t address[16];
	uint8_t address_length; /* 4 or 16 */
	uint16_t port;
};

/* A service as it was fetched; immutable once others can see it. */
struct nomad_service {
	uint64_t hash;       /* of its key, "namespace/service" */
	struct view key;     /* behind the registrations */
	uint64_t fetched_at; /* the index of Nomad's table then; 0: not known */
	uint32_t count;
	bool skipped;        /* addresses that are no IP addresses were left out */
	struct nomad_registration registrations[];
};

struct nomad {
	struct name zone;
	uint32_t ttl;
	struct nomad_access access;
	struct nomad_source *source;
};

extern const struct option nomad_options[];
void nomad_init(struct setup *s);
bool nomad_setup(struct setup *s);
bool nomad_finish(struct setup *s);

/* --- the source --- */

/* A source that asks nobody yet; ended by nomad_source_free() (void * for arena_on_free()) after its tasks. */
struct nomad_source *nomad_source_new(struct plugin *self, const struct nomad_access *access);
void nomad_source_free(void *source);

/* Begins to follow what Nomad has. False with *why (in the arena) when there is no HTTP client to be had. */
bool nomad_source_start(struct nomad_source *s, struct arena *arena, const char **why);

enum nomad_outcome {
	NOMAD_FOUND,
	NOMAD_NO_SERVICE,
	NOMAD_AWAY, /* Nomad does not answer, and the service was never seen */
};

/*
 * A service, by names in lower case. What was fetched and has not changed since is given at once; else Nomad is asked, and the query
 * waits. An answer that was good is given as long as there is no other. *error: why it is NOMAD_AWAY.
 */
enum nomad_outcome nomad_find(struct plugin *self, struct nomad_source *s, struct query *q, struct view namespace,
	struct view service, const struct nomad_service **found, const char **error);

/* What is known of Nomad, for plugin_type.source. */
const char *nomad_source_text(const struct nomad_source *s, struct arena *arena);

/* Whether Nomad has, or had, services in this namespace. */
bool nomad_knows_namespace(const struct nomad_source *s, struct view namespace);

#endif
