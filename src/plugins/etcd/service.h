/* A SkyDNS record: what the value of a key in etcd says. */
#ifndef ISTHMUS_PLUGINS_ETCD_SERVICE_H
#define ISTHMUS_PLUGINS_ETCD_SERVICE_H

#include "base/view.h"
#include <stdatomic.h>

enum {
	SERVICE_KEY_MAX = 2048,    /* of a key in etcd: the longest name's, and a prefix */
	SERVICE_VALUE_MAX = 65535, /* of a value */
	SERVICES_MAX = 16384,      /* that one question looks at */
};

enum service_kind {
	SERVICE_IPV4,
	SERVICE_IPV6,
	SERVICE_ALIAS, /* a host that is no address */
	SERVICE_TEXT,  /* the same, with a text */
};

/* A lease of etcd: its keys go when its time is over. Written by the control thread, read by all. */
struct service_lease {
	int64_t id;
	_Atomic uint64_t end; /* when it ends, of the monotonic clock, as far as is known; 0: not known yet */
	unsigned keys;        /* that have it */
	uint64_t ask_next;    /* when etcd is to be asked how much is left */
	uint64_t released;    /* by the last key: in which edit */
	struct service_lease *next;
};

/* One heap block, texts behind it; immutable once others can see it, but for what is the control thread's own. */
struct service {
	int64_t modified;            /* revision of etcd */
	struct service_lease *lease; /* NULL: none */
	uint64_t listing;            /* the control thread's own: the last listing that had it */
	int64_t weight;
	int32_t port;                /* 0 to 65535; -1: there is none */
	int32_t strip;               /* labels to be cut off a target */
	uint32_t ttl;                /* 0: not said */
	uint32_t host_length, text_length, group_length;
	uint16_t key_length, priority;
	uint8_t kind;                /* enum service_kind */
	bool mail;
	bool broken;                 /* the value cannot be read: nothing else of it is known */
	uint8_t address[16];
	char octets[];               /* key, host, text, group */
};

/* The record of a key; never NULL, `broken` with *why where the value is none. To be given back with free(). */
struct service *service_read(struct view key, struct view value, const char **why);

/* A record of these texts (of at most SERVICE_KEY_MAX and SERVICE_VALUE_MAX octets) and of the kind that they make; all else is 0. */
struct service *service_new(struct view key, struct view host, struct view text, struct view group);

/* How many labels are to be cut off, as a record keeps it. */
int32_t service_strip(int64_t labels);

/* A copy, without its lease. */
struct service *service_copy(const struct service *s);

static inline struct view service_key(const struct service *s)
{
	return (struct view){ s->octets, s->key_length };
}

static inline struct view service_host(const struct service *s)
{
	return (struct view){ s->octets + s->key_length, s->host_length };
}

static inline struct view service_text(const struct service *s)
{
	return (struct view){ s->octets + s->key_length + s->host_length, s->text_length };
}

static inline struct view service_group(const struct service *s)
{
	return (struct view){ s->octets + s->key_length + s->host_length + s->text_length, s->group_length };
}

static inline bool service_is_address(const struct service *s)
{
	return s->kind == SERVICE_IPV4 || s->kind == SERVICE_IPV6;
}

#endif
