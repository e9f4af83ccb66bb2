/* Reading of registrations and of the list of services. Names of members are the same in either case, as Nomad's client has it. */
#include "plugins/nomad/decode.h"

#include "base/address.h"
#include "base/memory.h"
#include <stdlib.h>

/* --- registrations --- */

static bool refuse(const char **why, const char *text)
{
	*why = text;
	return false;
}

static bool parse_address(struct nomad_registration *to, struct view text)
{
	to->address_length = IPV4_OCTETS;
	if (ipv4_parse(text, to->address))
		return true;
	if (!ipv6_parse(text, to->address))
		return false;
	to->address_length = IPV6_OCTETS;
	if (ipv6_is_mapped(to->address)) {
		memmove(to->address, to->address + IPV6_OCTETS - IPV4_OCTETS, IPV4_OCTETS);
		to->address_length = IPV4_OCTETS;
	}
	return true;
}

static bool end_registration(struct nomad_reading *r)
{
	if (!r->has_address) {
		r->skipped = true;
		return true;
	}
	if (r->count == NOMAD_REGISTRATIONS_MAX)
		return refuse(&r->why, "too many registrations");
	if (r->count == r->capacity) {
		r->capacity = r->capacity ? 2 * r->capacity : 8;
		r->registrations = memory_resize(r->registrations, r->capacity, sizeof *r->registrations);
	}
	r->registrations[r->count++] = r->next;
	return true;
}

static bool take_key(struct nomad_reading *r, struct view name)
{
	r->field = view_equal_nocase(name, VIEW("Address")) ? NOMAD_FIELD_ADDRESS
		   : view_equal_nocase(name, VIEW("Port"))  ? NOMAD_FIELD_PORT
							    : NOMAD_FIELD_OTHER;
	if (r->field == NOMAD_FIELD_OTHER)
		json_skip(&r->json);
	return true;
}

static bool take_value(struct nomad_reading *r, enum json_event event, struct view text)
{
	uint64_t port;
	if (event == JSON_NULL)
		return true;
	if (r->field == NOMAD_FIELD_ADDRESS && event == JSON_STRING) {
		r->has_address = parse_address(&r->next, text);
		return true;
	}
	if (r->field != NOMAD_FIELD_PORT || event != JSON_NUMBER || !view_unsigned(text, UINT16_MAX, &port))
		return refuse(&r->why, "a member of another type than it must have");
	r->next.port = (uint16_t)port;
	return true;
}

static bool on_registration(struct json_parser *p, enum json_event event, struct view text)
{
	struct nomad_reading *r = p->owner;
	switch (event) {
	case JSON_ARRAY:
		return (!p->depth && !r->arrays++) || refuse(&r->why, "an array stands where none may");
	case JSON_OBJECT:
		if (p->depth != 1)
			return refuse(&r->why, "an object stands where none may");
		r->next = (struct nomad_registration){ 0 };
		r->has_address = false;
		return true;
	case JSON_OBJECT_END:
		return end_registration(r);
	case JSON_ARRAY_END:
		return true;
	case JSON_KEY:
		return take_key(r, text);
	default:
		if (!p->depth && event == JSON_NULL)
			return !r->arrays++;
		return p->depth == 2 ? take_value(r, event, text) : refuse(&r->why, "no array of services");
	}
}

void nomad_read_begin(struct nomad_reading *r)
{
	*r = (struct nomad_reading){ 0 };
	json_begin(&r->json, on_registration, r);
}

bool nomad_read(struct nomad_reading *r, struct view octets)
{
	return json_feed(&r->json, octets);
}

bool nomad_read_complete(struct nomad_reading *r)
{
	return json_complete(&r->json) && r->arrays;
}

void nomad_read_end(struct nomad_reading *r)
{
	json_end(&r->json);
	free(r->registrations);
}

/* --- the list --- */

/* Its name may stand behind those of its services. */
static void end_namespace(struct nomad_listing *l)
{
	struct view rest = text_view(&l->names);
	while (rest.length) {
		size_t length = (unsigned char)rest.at[0];
		l->service(l->owner, text_view(&l->namespace), (struct view){ rest.at + 1, length });
		rest = view_skip(rest, length + 1);
	}
	text_clear(&l->names);
	text_clear(&l->namespace);
}

static bool take_list_key(struct nomad_listing *l, struct view name)
{
	bool of_namespace = l->json.depth == 2;
	l->field = of_namespace && view_equal_nocase(name, VIEW("Namespace"))  ? NOMAD_LIST_NAMESPACE
		   : of_namespace && view_equal_nocase(name, VIEW("Services")) ? NOMAD_LIST_SERVICES
		   : !of_namespace && view_equal_nocase(name, VIEW("ServiceName"))
			   ? NOMAD_LIST_NAME
			   : NOMAD_LIST_OTHER;
	if (l->field == NOMAD_LIST_OTHER)
		json_skip(&l->json);
	return true;
}

static bool take_list_text(struct nomad_listing *l, struct view text)
{
	if (l->field == NOMAD_LIST_NAMESPACE && l->json.depth == 2) {
		text_clear(&l->namespace);
		text_add(&l->namespace, text);
		return true;
	}
	if (l->field != NOMAD_LIST_NAME || l->json.depth != 4)
		return refuse(&l->why, "a text stands where none may");
	if (text.length > NOMAD_NAME_MAX)
		return true;
	if (++l->count > NOMAD_SERVICES_MAX)
		return refuse(&l->why, "too many services");
	text_add_char(&l->names, (char)text.length);
	text_add(&l->names, text);
	return true;
}

static bool take_list_array(struct nomad_listing *l)
{
	bool top = !l->json.depth && !l->arrays++;
	bool services = l->json.depth == 2 && l->field == NOMAD_LIST_SERVICES;
	return top || services || refuse(&l->why, "an array stands where none may");
}

static bool on_list(struct json_parser *p, enum json_event event, struct view text)
{
	struct nomad_listing *l = p->owner;
	switch (event) {
	case JSON_ARRAY:
		return take_list_array(l);
	case JSON_OBJECT:
		return p->depth == 1 || p->depth == 3 || refuse(&l->why, "an object stands where none may");
	case JSON_OBJECT_END:
		if (p->depth == 1)
			end_namespace(l);
		return true;
	case JSON_ARRAY_END:
	case JSON_NULL:
		return p->depth != 0 || event == JSON_ARRAY_END || refuse(&l->why, "no array of namespaces");
	case JSON_KEY:
		return take_list_key(l, text);
	case JSON_STRING:
		return take_list_text(l, text);
	default:
		return refuse(&l->why, "a value of another type than it must have");
	}
}

void nomad_list_begin(
	struct nomad_listing *l, void (*service)(void *owner, struct view namespace, struct view name), void *owner)
{
	*l = (struct nomad_listing){ .service = service, .owner = owner };
	json_begin(&l->json, on_list, l);
}

bool nomad_list(struct nomad_listing *l, struct view octets)
{
	return json_feed(&l->json, octets);
}

bool nomad_list_complete(struct nomad_listing *l)
{
	return json_complete(&l->json) && l->arrays;
}

void nomad_list_end(struct nomad_listing *l)
{
	json_end(&l->json);
	text_free(&l->namespace);
	text_free(&l->names);
}
