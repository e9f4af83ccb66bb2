/* sync/url: parameters of URLs and forms, and whose a URL is. */
#include "test.h"

#include "sync/url.h"

static void parameters_are_added(void **state)
{
	(void)state;
	struct text url = { 0 }, form = { 0 };
	text_add_string(&url, "https://example.org/a");
	url_add_parameter(&url, "alt", VIEW("json"));
	url_add_parameter(&url, "pageToken", VIEW("tok/1+="));
	assert_string_equal(url.at, "https://example.org/a?alt=json&pageToken=tok%2F1%2B%3D");
	form_add(&form, "grant_type", VIEW("urn:ietf:x"));
	form_add(&form, "empty", VIEW(""));
	assert_string_equal(form.at, "grant_type=urn%3Aietf%3Ax&empty=");
	text_free(&url);
	text_free(&form);
}

static void check(const char *url, const char *origin, const char *host)
{
	assert_true(view_is(url_origin(view_of(url)), origin));
	assert_true(view_is(url_host(view_of(url)), host));
}

static void a_url_has_an_origin(void **state)
{
	(void)state;
	check("https://example.org/a?b", "https://example.org", "example.org");
	check("http://example.org:80", "http://example.org:80", "example.org");
	check("https://example.org?x=@evil.org", "https://example.org", "example.org");
	check("https://example.org#@evil.org/", "https://example.org", "example.org");
	check("https://example.org\\@evil.org/", "https://example.org", "example.org");
	check("https://a:b@evil.org:1/@c", "https://a:b@evil.org:1", "evil.org");
	check("https://[fd00::1]:8443/x", "https://[fd00::1]:8443", "fd00::1");
	check("https:///x", "", "");
	check("https:", "", "");
	check("ftp://example.org/", "", "");
	check("/a/b", "", "");
	check("", "", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_are_added),
		cmocka_unit_test(a_url_has_an_origin),
	};
	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
