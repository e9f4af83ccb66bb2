/* Nomad's answers: JSON, read as it comes. */
#ifndef ISTHMUS_PLUGINS_NOMAD_DECODE_H
#define ISTHMUS_PLUGINS_NOMAD_DECODE_H

#include "plugins/nomad/nomad.h"
#include "sync/json.h"

enum { NOMAD_SERVICES_MAX = 1000000 };

/* The answer of /v1/service/NAME: an array of registrations. */
struct nomad_reading {
	struct json_parser json;
	struct nomad_registration *registrations;
	size_t count, capacity;
	bool skipped;     /* addresses that are none */
	unsigned arrays;  /* at the top */
	enum { NOMAD_FIELD_OTHER, NOMAD_FIELD_ADDRESS, NOMAD_FIELD_PORT } field;
	struct nomad_registration next;
	bool has_address;
	const char *why;  /* what is wrong with it */
};

void nomad_read_begin(struct nomad_reading *r);
bool nomad_read(struct nomad_reading *r, struct view octets);
bool nomad_read_complete(struct nomad_reading *r);
void nomad_read_end(struct nomad_reading *r);

/* The answer of /v1/services: an array of namespaces with the names of their services. */
struct nomad_listing {
	struct json_parser json;
	/* Told of each service; the views are good until it returns. */
	void (*service)(void *owner, struct view namespace, struct view name);
	void *owner;
	struct text namespace, names; /* names: of a namespace that is not known yet, each behind its length */
	enum { NOMAD_LIST_OTHER, NOMAD_LIST_NAMESPACE, NOMAD_LIST_SERVICES, NOMAD_LIST_NAME } field;
	size_t count;
	unsigned arrays;
	const char *why;
};

void nomad_list_begin(
	struct nomad_listing *l, void (*service)(void *owner, struct view namespace, struct view name), void *owner);
bool nomad_list(struct nomad_listing *l, struct view octets);
bool nomad_list_complete(struct nomad_listing *l);
void nomad_list_end(struct nomad_listing *l);

#endif
