/* The steps of AWS Signature Version 4, as Amazon's documents number them. */
#include "sync/aws_signature.h"

#include "base/encoding.h"
#include "dns/crypto.h"
#include "sync/url.h"
#include <stdlib.h>
#include <time.h>

enum { PARAMETERS_MAX = 64, OWN_HEADERS = 3, DATE_MAX = 20 };

#define ALGORITHM "AWS4-HMAC-SHA256"

/* What a URL consists of. */
struct parts {
	struct view host, path, query;
};

static bool split(struct view url, struct parts *p)
{
	struct view origin = url_origin(url);
	if (!origin.length)
		return false;
	bool secure = view_starts(url, VIEW("https:"));
	p->host = view_skip(origin, secure ? 8 : 7);
	struct view port = secure ? VIEW(":443") : VIEW(":80");
	if (view_ends(p->host, port))
		p->host.length -= port.length;
	struct view rest = view_skip(url, origin.length);
	size_t path_length = view_find(rest, '?');
	p->path = path_length ? view_first(rest, path_length) : VIEW("/");
	p->query = path_length < rest.length ? view_skip(rest, path_length + 1) : VIEW("");
	return true;
}

static void add_hash(struct text *t, struct view data)
{
	uint8_t digest[SHA256_OCTETS];
	crypto_sha256(data, digest);
	text_add_hex(t, (struct view){ (const char *)digest, sizeof digest });
}

/* --- step 1: the canonical request --- */

/* Each segment is encoded once more than it is in the URL. */
static void add_path(struct text *t, struct view path)
{
	while (path.length) {
		size_t length = view_find(path, '/');
		text_add_percent(t, view_first(path, length));
		if (length == path.length)
			return;
		text_add_char(t, '/');
		path = view_skip(path, length + 1);
	}
}

struct parameter {
	struct view name, value;
};

static int compare(struct view a, struct view b)
{
	size_t least = a.length < b.length ? a.length : b.length;
	int order = least ? memcmp(a.at, b.at, least) : 0;
	return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare_parameters(const void *a, const void *b)
{
	const struct parameter *p = a, *q = b;
	int order = compare(p->name, q->name);
	return order ? order : compare(p->value, q->value);
}

static bool add_query(struct text *t, struct view query)
{
	struct parameter all[PARAMETERS_MAX];
	size_t count = 0;
	while (query.length) {
		size_t length = view_find(query, '&');
		struct view one = view_first(query, length);
		size_t name = view_find(one, '=');
		if (count == PARAMETERS_MAX)
			return false;
		all[count++] = (struct parameter){ view_first(one, name),
			name < length ? view_skip(one, name + 1) : VIEW("") };
		query = length < query.length ? view_skip(query, length + 1) : VIEW("");
	}
	qsort(all, count, sizeof *all, compare_parameters);
	for (size_t i = 0; i < count; i++)
		text_printf(t, "%s%.*s=%.*s", i ? "&" : "", VIEW_ARGS(all[i].name), VIEW_ARGS(all[i].value));
	return true;
}

/* Trimmed, and each run of blanks made one. */
static void add_value(struct text *t, struct view value)
{
	for (bool first = true;; first = false) {
		struct view word = view_word(&value);
		if (!word.length)
			return;
		if (!first)
			text_add_char(t, ' ');
		text_add(t, word);
	}
}

struct headers {
	struct aws_header all[AWS_HEADERS_MAX + OWN_HEADERS];
	size_t count;
};

static int compare_headers(const void *a, const void *b)
{
	return strcmp(((const struct aws_header *)a)->name, ((const struct aws_header *)b)->name);
}

static void collect_headers(const struct aws_request *r, struct view host, struct view date,
	struct view token, struct headers *h)
{
	for (size_t i = 0; i < r->header_count; i++)
		h->all[h->count++] = r->headers[i];
	h->all[h->count++] = (struct aws_header){ "host", host };
	h->all[h->count++] = (struct aws_header){ "x-amz-date", date };
	if (token.length)
		h->all[h->count++] = (struct aws_header){ "x-amz-security-token", token };
	qsort(h->all, h->count, sizeof *h->all, compare_headers);
}

static void add_names(struct text *t, const struct headers *h)
{
	for (size_t i = 0; i < h->count; i++)
		text_printf(t, "%s%s", i ? ";" : "", h->all[i].name);
}

static bool add_request(struct text *t, const struct aws_request *r, const struct parts *p,
	const struct headers *h)
{
	text_printf(t, "%s\n", r->method);
	add_path(t, p->path);
	text_add_char(t, '\n');
	if (!add_query(t, p->query))
		return false;
	text_add_char(t, '\n');
	for (size_t i = 0; i < h->count; i++) {
		text_printf(t, "%s:", h->all[i].name);
		add_value(t, h->all[i].value);
		text_add_char(t, '\n');
	}
	text_add_char(t, '\n');
	add_names(t, h);
	text_add_char(t, '\n');
	add_hash(t, r->body);
	return true;
}

/* --- steps 2 to 4: the string to sign, and the signature --- */

static void add_scope(struct text *t, const struct aws_request *r, struct view date)
{
	text_printf(t, "%.*s/%.*s/%.*s/aws4_request", 8, date.at, VIEW_ARGS(r->region),
		VIEW_ARGS(r->service));
}

static struct view mac(struct view key, struct view data, uint8_t to[static SHA256_OCTETS])
{
	uint8_t result[SHA256_OCTETS];
	crypto_hmac_sha256(key, data, result);
	memcpy(to, result, sizeof result);
	return (struct view){ (const char *)to, sizeof result };
}

static void add_signature(struct text *t, struct view secret, const struct aws_request *r,
	struct view date, struct view to_sign)
{
	uint8_t octets[SHA256_OCTETS];
	struct text first = { 0 };
	text_printf(&first, "AWS4%.*s", VIEW_ARGS(secret));
	struct view key = mac(text_view(&first), view_first(date, 8), octets);
	explicit_bzero(first.at, first.length);
	text_free(&first);
	key = mac(key, r->region, octets);
	key = mac(key, r->service, octets);
	key = mac(key, VIEW("aws4_request"), octets);
	text_add_hex(t, mac(key, to_sign, octets));
	explicit_bzero(octets, sizeof octets);
}

static struct view date_of(struct arena *arena, int64_t seconds)
{
	char text[DATE_MAX];
	struct tm tm;
	time_t time = (time_t)seconds;
	size_t length = gmtime_r(&time, &tm) ? strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &tm) : 0;
	return length ? arena_copy(arena, (struct view){ text, length }) : VIEW("19700101T000000Z");
}

static void write_authorization(struct text *t, const struct aws_keys *keys, const struct aws_request *r,
	struct view date, const struct headers *h, struct view canonical)
{
	struct text to_sign = { 0 };
	text_printf(&to_sign, "%s\n%.*s\n", ALGORITHM, VIEW_ARGS(date));
	add_scope(&to_sign, r, date);
	text_add_char(&to_sign, '\n');
	add_hash(&to_sign, canonical);
	text_printf(t, "Authorization: %s Credential=%.*s/", ALGORITHM, VIEW_ARGS(keys->id));
	add_scope(t, r, date);
	text_add_string(t, ", SignedHeaders=");
	add_names(t, h);
	text_add_string(t, ", Signature=");
	add_signature(t, keys->secret, r, date, text_view(&to_sign));
	text_free(&to_sign);
}

bool aws_sign(struct arena *arena, const struct aws_keys *keys, const struct aws_request *r,
	struct aws_signed *to)
{
	struct parts parts;
	struct headers headers = { 0 };
	struct text canonical = { 0 }, line = { 0 };
	if (!crypto_sha256_ready() || !split(r->url, &parts))
		return false;
	struct view date = date_of(arena, r->time);
	collect_headers(r, parts.host, date, keys->token, &headers);
	bool good = add_request(&canonical, r, &parts, &headers);
	if (good) {
		write_authorization(&line, keys, r, date, &headers, text_view(&canonical));
		to->authorization = arena_string(arena, text_view(&line));
		to->date = arena_printf(arena, "X-Amz-Date: %.*s", VIEW_ARGS(date));
		to->token = keys->token.length
				    ? arena_printf(arena, "X-Amz-Security-Token: %.*s", VIEW_ARGS(keys->token))
				    : NULL;
	}
	text_free(&canonical);
	text_free(&line);
	return good;
}
