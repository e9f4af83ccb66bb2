/* AWS Signature Version 4 against the signatures that Amazon publishes. */
#include "test.h"

#include "sync/aws_signature.h"

#define KEY_ID "AKIDEXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

enum { AUGUST_30_2015 = 1440938160 }; /* 12:36:00 UTC */

struct vector {
	const char *method, *url, *content_type, *body, *service;
	const char *headers, *signature;
};

static const struct vector vectors[] = {
	{ "GET", "https://example.amazonaws.com/", NULL, "", "service", "host;x-amz-date",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "GET", "https://example.amazonaws.com", NULL, "", "service", "host;x-amz-date",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "GET", "https://example.amazonaws.com:443/", NULL, "", "service", "host;x-amz-date",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1", NULL, "", "service",
		"host;x-amz-date",
		"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
	{ "GET", "https://example.amazonaws.com/?Param1=value1", NULL, "", "service", "host;x-amz-date",
		"a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb" },
	{ "GET",
		"https://example.amazonaws.com/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
		NULL, "", "service", "host;x-amz-date",
		"07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
	{ "GET", "https://example.amazonaws.com/\341\210\264", NULL, "", "service", "host;x-amz-date",
		"8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
	{ "GET", "https://example.amazonaws.com/?%E1%88%B4=bar", NULL, "", "service", "host;x-amz-date",
		"2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04" },
	{ "POST", "https://example.amazonaws.com/", NULL, "", "service", "host;x-amz-date",
		"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
	{ "POST", "https://example.amazonaws.com/", "application/x-www-form-urlencoded", "Param1=value1",
		"service", "content-type;host;x-amz-date",
		"ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a" },
	{ "GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
		"application/x-www-form-urlencoded; charset=utf-8", "", "iam", "content-type;host;x-amz-date",
		"5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7" },
};

static void check_vector(const struct vector *v)
{
	struct arena *arena = arena_new(4096);
	struct aws_header type = { "content-type", v->content_type ? view_of(v->content_type) : VIEW("") };
	struct aws_request r = { .method = v->method,
		.url = view_of(v->url),
		.headers = &type,
		.header_count = v->content_type ? 1 : 0,
		.body = view_of(v->body),
		.region = VIEW("us-east-1"),
		.service = view_of(v->service),
		.time = AUGUST_30_2015 };
	struct aws_keys keys = { VIEW(KEY_ID), VIEW(SECRET), VIEW("") };
	struct aws_signed to;
	assert_true(aws_sign(arena, &keys, &r, &to));
	assert_string_equal(to.date, "X-Amz-Date: 20150830T123600Z");
	assert_null(to.token);
	const char *expected = arena_printf(arena,
		"Authorization: AWS4-HMAC-SHA256 Credential=" KEY_ID
		"/20150830/us-east-1/%s/aws4_request, SignedHeaders=%s, Signature=%s",
		v->service, v->headers, v->signature);
	assert_string_equal(to.authorization, expected);
	arena_free(arena);
}

static void test_published_signatures(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
		check_vector(&vectors[i]);
}

/* The suite's post-sts-header-before: the token is one of the signed headers. */
static void test_token_is_signed(void **state)
{
	(void)state;
	struct arena *arena = arena_new(4096);
	struct aws_request r = { .method = "POST",
		.url = VIEW("https://example.amazonaws.com/"),
		.region = VIEW("us-east-1"),
		.service = VIEW("service"),
		.time = AUGUST_30_2015 };
	struct aws_keys keys = { VIEW(KEY_ID), VIEW(SECRET),
		VIEW("AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGd"
		     "QrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbq"
		     "BAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==") };
	struct aws_signed to;
	assert_true(aws_sign(arena, &keys, &r, &to));
	assert_non_null(strstr(to.authorization, "SignedHeaders=host;x-amz-date;x-amz-security-token, "));
	assert_non_null(strstr(to.authorization,
		"Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"));
	assert_non_null(strstr(to.token, "X-Amz-Security-Token: AQoDYX"));
	arena_free(arena);
}

/* Names are compared before values: "a" comes before "a-b" although "=" comes behind "-". */
static void test_parameters_are_sorted_by_name(void **state)
{
	(void)state;
	struct arena *arena = arena_new(4096);
	struct aws_request r = { .method = "GET",
		.url = VIEW("https://example.amazonaws.com/?a=1&a-b=2&a=0"),
		.region = VIEW("us-east-1"),
		.service = VIEW("service"),
		.time = AUGUST_30_2015 };
	struct aws_keys keys = { VIEW(KEY_ID), VIEW(SECRET), VIEW("") };
	struct aws_signed one, other;
	assert_true(aws_sign(arena, &keys, &r, &one));
	r.url = VIEW("https://example.amazonaws.com/?a-b=2&a=0&a=1");
	assert_true(aws_sign(arena, &keys, &r, &other));
	assert_string_equal(one.authorization, other.authorization);
	r.url = VIEW("ftp://example.amazonaws.com/");
	assert_false(aws_sign(arena, &keys, &r, &other));
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_signatures),
		cmocka_unit_test(test_token_is_signed),
		cmocka_unit_test(test_parameters_are_sorted_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
