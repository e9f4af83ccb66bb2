/* The inside of the plugin `route53`. */
#ifndef ISTHMUS_PLUGINS_ROUTE53_ROUTE53_H
#define ISTHMUS_PLUGINS_ROUTE53_ROUTE53_H

#include "plugins/mirror_plugin.h"
#include "sync/aws_call.h"

/* An instance's state. */
struct route53 {
	struct mirror_plugin base;
	/* as written; NULL: not set */
	const char *key_id, *secret, *endpoint, *profile, *config_file;
	uint32_t request_rate; /* a second */

	struct aws_service service;
	struct aws_credentials *credentials;
	struct http_tls tls;
	int64_t clock_skew;
};

/* What it lists from: provider_data is the struct route53. */
extern const struct mirror_provider route53_provider;

/* Reading a page of ListResourceRecordSets: record sets go to the listing as they end. */
struct route53_page {
	struct mirror_listing *listing;
	bool truncated, given_up;
	struct text next_name, next_type, next_id; /* where the next page begins, as the answer writes it */
};

/* Reads a whole answer. False with *why (in the listing's arena), or after mirror_fail() (given_up). */
bool route53_read_page(struct route53_page *page, struct view body, const char **why);

/* A name as Route 53 writes it, with octets as \ooo; false with *why (in the arena). */
bool route53_name(struct arena *arena, struct view text, struct name_buffer *to, const char **why);

/* A text's octets \ooo as a master file has them, \DDD; all else as it is. */
void route53_text(struct view text, struct text *to);

#endif
