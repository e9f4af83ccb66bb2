/* Reading of records: JSON, as Go's encoding/json takes it for SkyDNS's struct. */
#include "plugins/etcd/service.h"

#include "base/address.h"
#include "base/memory.h"
#include "sync/json.h"
#include <stdlib.h>

enum field {
	FIELD_UNKNOWN,
	FIELD_HOST,
	FIELD_PORT,
	FIELD_PRIORITY,
	FIELD_WEIGHT,
	FIELD_TEXT,
	FIELD_MAIL,
	FIELD_TTL,
	FIELD_STRIP,
	FIELD_GROUP,
	FIELDS,
};

static const char *const names[FIELDS] = {
	[FIELD_HOST] = "host",
	[FIELD_PORT] = "port",
	[FIELD_PRIORITY] = "priority",
	[FIELD_WEIGHT] = "weight",
	[FIELD_TEXT] = "text",
	[FIELD_MAIL] = "mail",
	[FIELD_TTL] = "ttl",
	[FIELD_STRIP] = "targetstrip",
	[FIELD_GROUP] = "group",
};

struct reading {
	enum field field; /* whose value comes */
	unsigned values;  /* at the top */
	int64_t number[FIELDS];
	bool mail;
	struct text text[FIELDS];
	const char *why;
};

static bool refuse(struct reading *r, const char *why)
{
	r->why = why;
	return false;
}

static enum field field_of(struct view name)
{
	for (unsigned f = FIELD_HOST; f < FIELDS; f++) {
		if (view_equal_nocase(name, view_of(names[f])))
			return (enum field)f;
	}
	return FIELD_UNKNOWN;
}

/* A whole number of 64 bits with its sign. */
static bool read_integer(struct view text, int64_t *to)
{
	bool minus = text.length && text.at[0] == '-';
	uint64_t value;
	if (!view_unsigned(minus ? view_skip(text, 1) : text, (uint64_t)INT64_MAX + minus, &value))
		return false;
	*to = (int64_t)(minus ? 0 - value : value);
	return true;
}

static bool take_number(struct reading *r, struct view text)
{
	int64_t n;
	if (r->field == FIELD_HOST || r->field == FIELD_TEXT || r->field == FIELD_GROUP || r->field == FIELD_MAIL)
		return refuse(r, "a number stands where none may");
	if (!read_integer(text, &n))
		return refuse(r, "a number that is not whole, or too large");
	if (r->field == FIELD_TTL && (n < 0 || n > UINT32_MAX))
		return refuse(r, "a TTL out of range");
	r->number[r->field] = n;
	return true;
}

static bool take_text(struct reading *r, struct view text)
{
	if (r->field != FIELD_HOST && r->field != FIELD_TEXT && r->field != FIELD_GROUP)
		return refuse(r, "a text stands where none may");
	text_clear(&r->text[r->field]);
	text_add(&r->text[r->field], text);
	return true;
}

static bool take_truth(struct reading *r, bool value)
{
	if (r->field != FIELD_MAIL)
		return refuse(r, "true or false stands where it may not");
	r->mail = value;
	return true;
}

/* What stands at the top: one object, or null. */
static bool take_top(struct reading *r, enum json_event event)
{
	if (r->values++)
		return refuse(r, "more than one value");
	return event == JSON_OBJECT || event == JSON_NULL || refuse(r, "no object");
}

static bool take_event(struct json_parser *p, enum json_event event, struct view text)
{
	struct reading *r = p->owner;
	if (event == JSON_OBJECT_END)
		return true;
	if (!p->depth)
		return take_top(r, event);
	switch (event) {
	case JSON_KEY:
		r->field = field_of(text);
		if (r->field == FIELD_UNKNOWN)
			json_skip(p);
		return true;
	case JSON_STRING:
		return take_text(r, text);
	case JSON_NUMBER:
		return take_number(r, text);
	case JSON_TRUE:
	case JSON_FALSE:
		return take_truth(r, event == JSON_TRUE);
	case JSON_NULL:
		return true;
	default:
		return refuse(r, "an object or array stands where none may");
	}
}

static void read_value(struct reading *r, struct view value)
{
	struct json_parser p;
	json_begin(&p, take_event, r);
	if (value.length > SERVICE_VALUE_MAX)
		refuse(r, "too long");
	else if ((!json_feed(&p, value) || !json_complete(&p) || !r->values) && !r->why)
		refuse(r, "not JSON");
	json_end(&p);
}

/* --- the record --- */

static void set_kind(struct service *s)
{
	struct view host = service_host(s);
	if (ipv4_parse(host, s->address)) {
		s->kind = SERVICE_IPV4;
	} else if (ipv6_parse(host, s->address)) {
		bool mapped = ipv6_is_mapped(s->address);
		if (mapped)
			memmove(s->address, s->address + IPV6_OCTETS - IPV4_OCTETS, IPV4_OCTETS);
		s->kind = mapped ? SERVICE_IPV4 : SERVICE_IPV6;
	} else {
		s->kind = s->text_length ? SERVICE_TEXT : SERVICE_ALIAS;
	}
}

struct service *service_new(struct view key, struct view host, struct view text, struct view group)
{
	const struct view parts[] = { key, host, text, group };
	struct service *s = memory_alloc(sizeof *s + key.length + host.length + text.length + group.length);
	*s = (struct service){
		.key_length = (uint16_t)key.length,
		.host_length = (uint32_t)host.length,
		.text_length = (uint32_t)text.length,
		.group_length = (uint32_t)group.length,
	};
	char *to = s->octets;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		memcpy(to, parts[i].at, parts[i].length);
		to += parts[i].length;
	}
	set_kind(s);
	return s;
}

int32_t service_strip(int64_t labels)
{
	return labels < -1 ? -1 : labels > UINT16_MAX ? UINT16_MAX : (int32_t)labels;
}

static struct service *service_of(struct view key, const struct reading *r)
{
	enum { PRIORITY_DEFAULT = 10 };
	struct service *s = service_new(key, text_view(&r->text[FIELD_HOST]), text_view(&r->text[FIELD_TEXT]),
		text_view(&r->text[FIELD_GROUP]));
	int64_t port = r->number[FIELD_PORT], priority = r->number[FIELD_PRIORITY];
	s->weight = r->number[FIELD_WEIGHT];
	s->port = port == -1 ? -1 : (uint16_t)port;
	s->priority = (uint16_t)(priority ? priority : PRIORITY_DEFAULT);
	s->strip = service_strip(r->number[FIELD_STRIP]);
	s->ttl = (uint32_t)r->number[FIELD_TTL];
	s->mail = r->mail;
	return s;
}

struct service *service_read(struct view key, struct view value, const char **why)
{
	struct reading r = { 0 };
	struct service *s;
	read_value(&r, value);
	*why = r.why;
	if (r.why) {
		s = service_new(key, VIEW(""), VIEW(""), VIEW(""));
		s->broken = true;
	} else {
		s = service_of(key, &r);
	}
	for (unsigned f = 0; f < FIELDS; f++)
		text_free(&r.text[f]);
	return s;
}

struct service *service_copy(const struct service *s)
{
	struct service *copy =
		service_new(service_key(s), service_host(s), service_text(s), service_group(s));
	size_t fixed = offsetof(struct service, octets);
	memcpy(copy, s, fixed);
	copy->lease = NULL;
	copy->listing = 0;
	return copy;
}
