/* sync: signed tokens, credential files of Google, environments and credentials of Azure, answers of token services. */
#include "test.h"

#include "base/encoding.h"
#include "base/rfc3339.h"
#include "rsa_keys.h"
#include "sync/azure.h"
#include "sync/google_account.h"
#include "sync/json_fields.h"
#include "sync/jwt.h"
#include "sync/rs256.h"
#include "sync/token_answer.h"
#include <stdio.h>
#include <stdlib.h>

static int set_up(void **state)
{
	*state = arena_new(4096);
	return 0;
}

static int tear_down(void **state)
{
	arena_free(*state);
	return 0;
}

/* --- signatures --- */

/* By `openssl dgst -sha256 -sign`. */
static const char signature_of_isthmus[] =
	"BI6LCp7DCG0CsWl08Q653ncJ6C5EU6Es7YRTOx1lXUyrRGMTjsCDJBA3i8FMKHQtr7vfFigRCIownecs5Lhk6tBRB429z6EBNBI2F5YpIOx1PatOBtj4"
	"GrZOP9ZM7zDcU8nWHn69LdvIcTMDVjp/i8+tzNYyw6RvwzwQlByX6HY=";

static void keys_sign(void **state)
{
	struct view signature;
	const char *why, *keys[] = { key_pkcs8, key_pkcs1 };
	for (size_t i = 0; i < 2; i++) {
		struct text encoded = { 0 };
		assert_true(rs256_sign(*state, view_of(keys[i]), VIEW("isthmus"), &signature, &why));
		text_add_base64(&encoded, signature);
		assert_string_equal(encoded.at, signature_of_isthmus);
		text_free(&encoded);
	}
}

static void other_keys_do_not(void **state)
{
	static const char *const keys[] = { "", "no key", key_encrypted, key_p256, "-----BEGIN PRIVATE KEY-----\nAA==\n" };
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		struct view signature;
		const char *why = NULL;
		assert_false(rs256_sign(*state, view_of(keys[i]), VIEW("isthmus"), &signature, &why));
		assert_non_null(why);
	}
}

/* The n-th part of a token, decoded. */
static const char *part_of(struct arena *arena, struct view token, int n)
{
	for (; n > 0; n--)
		token = view_skip(token, view_find(token, '.') + 1);
	token = view_first(token, view_find(token, '.'));
	uint8_t *octets = arena_alloc(arena, token.length + 1);
	struct decoding d = { .to = octets, .room = token.length };
	assert_true(base64url_decode(&d, token) && base64url_decoded(&d));
	return (const char *)octets;
}

static void a_token_has_its_claims(void **state)
{
	struct jwt claims = { .key_id = VIEW("k\"1"), .issuer = VIEW("a@b"), .audience = VIEW("https://t/"),
		.scope = VIEW("s"), .issued = 1000, .expires = 4600 };
	struct view token, signature;
	const char *why;
	assert_true(jwt_sign(*state, &claims, view_of(key_pkcs8), &token, &why));
	assert_string_equal(part_of(*state, token, 0), "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k\\\"1\"}");
	assert_string_equal(part_of(*state, token, 1),
		"{\"iss\":\"a@b\",\"aud\":\"https://t/\",\"scope\":\"s\",\"iat\":1000,\"exp\":4600}");
	size_t dots = view_find(token, '.') + 1;
	dots += view_find(view_skip(token, dots), '.');
	assert_true(rs256_sign(*state, view_of(key_pkcs8), view_first(token, dots), &signature, &why));
	struct text encoded = { 0 };
	text_add_base64url(&encoded, signature);
	assert_true(view_is(view_skip(token, dots + 1), encoded.at));
	text_free(&encoded);
}

/* --- JSON --- */

static void note(void *owner, struct view path, struct view value)
{
	text_printf(owner, "%.*s=%.*s;", VIEW_ARGS(path), VIEW_ARGS(value));
}

static void fields_have_paths(void **state)
{
	static const char text[] = "{\"a\":{\"b\":\"1\",\"c\":[true,{\"d\":2},null,[3]]},\"e\":\"x\",\"e\":\"y\",\"f\":{},\"b\":0}";
	struct text others = { 0 };
	struct json_field wanted[] = { { .path = "a.b" }, { .path = "e" }, { .path = "f" }, { 0 } };
	struct json_fields fields = { .wanted = wanted, .arena = *state, .other = note, .owner = &others };
	const char *why;
	assert_true(json_fields_read(&fields, view_of(text), &why));
	assert_true(view_is(wanted[0].value, "1"));
	assert_true(view_is(wanted[1].value, "x"));
	assert_null(wanted[2].value.at);
	assert_string_equal(others.at, "a.c=true;a.c.d=2;a.c=3;b=0;");
	text_free(&others);
}

static void only_one_object_is_read(void **state)
{
	static const char *const bad[] = { "", "{", "[]", "[{}]", "\"a\"", "1", "null", "{}{}", "{} 1", "{\"a\":}", "{\"a\"" };
	struct json_field none[] = { { 0 } };
	struct json_fields fields = { .wanted = none, .arena = *state };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const char *why = NULL;
		assert_false(json_fields_read(&fields, view_of(bad[i]), &why));
		assert_non_null(why);
	}
}

static void strings_are_written(void **state)
{
	(void)state;
	struct text t = { 0 };
	json_add_string(&t, VIEW("a\"b\\c\n\x01\xc3\xa9"));
	assert_string_equal(t.at, "\"a\\\"b\\\\c\\u000a\\u0001\xc3\xa9\"");
	text_free(&t);
}

/* --- times --- */

static double seconds_of(const char *text)
{
	double seconds = -1;
	return rfc3339_parse(view_of(text), &seconds) ? seconds : -1;
}

static void times_are_read(void **state)
{
	(void)state;
	assert_true(seconds_of("1970-01-02T00:00:00Z") == 86400);
	assert_true(seconds_of("1970-01-02T01:00:00+01:00") == 86400);
	assert_true(seconds_of("1970-01-01T23:30:00-00:30") == 86400);
	assert_true(seconds_of("1970-01-01T00:00:01.5Z") == 1.5);
	static const char *const bad[] = { "", "1970-01-02", "1970-01-02T00:00:00", "1970-01-02T00:00:00.Z", "1970-01-02T00:00:00+1:00",
		"1970-01-02T00:00:00+01:00x", "1970-01-02T00:00:00+24:00", "1970-01-02T00:00:00+ 1:00", "1970-13-02T00:00:00Z", "09/14/2017 00:00:00 PM +00:00" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_true(seconds_of(bad[i]) == -1);
}

/* --- answers of token services --- */

/* How long the token of an answer is good, in seconds, at second 1,000; -1: it has none. */
static long lifetime_of(struct arena *arena, const char *answer)
{
	struct bearer_grant grant = { 0 };
	return token_read(arena, view_of(answer), 1000, &grant) ? (long)(grant.lifetime / NS_PER_S) : -1;
}

static void answers_have_tokens(void **state)
{
	struct bearer_grant grant;
	assert_true(token_read(*state, VIEW("{\"access_token\":\"ya29.x\",\"expires_in\":3599,\"token_type\":\"Bearer\"}"), 0, &grant));
	assert_true(view_is(grant.token, "ya29.x"));
	assert_int_equal(grant.lifetime, 3599 * NS_PER_S);
	assert_true(token_read(
		*state, VIEW("{\"accessToken\":\"i\",\"expireTime\":\"1970-01-01T01:00:00Z\"}"), 1000, &grant));
	assert_true(view_is(grant.token, "i"));
	assert_int_equal(grant.lifetime, 2600 * NS_PER_S);
	assert_int_equal(lifetime_of(*state, "{\"access_token\":\"a\",\"expires_in\":\"3599\",\"expires_on\":\"1500\"}"), 500);
	assert_int_equal(lifetime_of(*state, "{\"access_token\":\"a\",\"expires_in\":\"60\",\"expires_on\":\"1500\"}"), 60);
	assert_int_equal(lifetime_of(*state, "{\"access_token\":\"a\",\"expires_on\":\"09/14/2017 00:00:00 PM +00:00\"}"), 600);
	assert_int_equal(lifetime_of(*state, "{\"access_token\":\"a\",\"expires_in\":1e300}"), 7 * 86400);
}

static void answers_without_are_refused(void **state)
{
	static const char *const bad[] = { "", "{}", "[]", "{\"access_token\":\"\",\"expires_in\":10}", "{\"access_token\":\"a\",\"expires_in\":0}",
		"{\"access_token\":\"a\",\"expires_in\":-5}", "{\"access_token\":\"a\",\"expires_on\":\"999\"}",
		"{\"access_token\":\"a\\r\\nHost: x\",\"expires_in\":10}", "{\"access_token\":\"a\",\"expires_in\":10",
		"{\"access_token\":\"a b\",\"expires_in\":10}" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(lifetime_of(*state, bad[i]), -1);
}

/* --- Google's files --- */

static const char *problem_of(struct arena *arena, const char *text)
{
	struct google_account a;
	const char *why = "";
	return google_account_read(&a, arena, view_of(text), &why) ? "" : why;
}

static void accounts_are_read(void **state)
{
	struct google_account a;
	const char *why;
	assert_true(google_account_read(&a, *state,
		VIEW("{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key_id\":\"1\",\"private_key\":\"k\\nk\","
		     "\"quota_project_id\":\"q\"}"),
		&why));
	assert_int_equal(a.kind, GOOGLE_SERVICE_ACCOUNT);
	assert_true(view_is(a.key, "k\nk"));
	assert_true(view_is(a.token_url, "https://oauth2.googleapis.com/token"));
	assert_true(view_is(a.quota_project, "q"));
	assert_true(google_account_read(&a, *state,
		VIEW("{\"type\":\"external_account\",\"audience\":\"//iam\",\"subject_token_type\":\"jwt\",\"token_url\":\"https://sts/\","
		     "\"credential_source\":{\"url\":\"http://127.0.0.1/t\",\"headers\":{\"X-A\":\"1\",\"X.B\":\"2\"},"
		     "\"format\":{\"type\":\"json\",\"subject_token_field_name\":\"value\"}}}"),
		&why));
	assert_int_equal(a.kind, GOOGLE_EXTERNAL_ACCOUNT);
	assert_string_equal(a.subject.headers[0], "X-A: 1");
	assert_string_equal(a.subject.headers[1], "X.B: 2");
	assert_null(a.subject.headers[2]);
	assert_true(view_is(a.subject.member, "value"));
}

static void accounts_may_be_nested(void **state)
{
	struct google_account a;
	const char *why;
	assert_true(google_account_read(&a, *state,
		VIEW("{\"type\":\"impersonated_service_account\",\"service_account_impersonation_url\":\"https://iam/x\","
		     "\"delegates\":[\"d1\",\"d2\"],\"source_credentials\":{\"type\":\"authorized_user\",\"client_id\":\"i\","
		     "\"client_secret\":\"s\",\"refresh_token\":\"r\"}}"),
		&why));
	assert_int_equal(a.kind, GOOGLE_IMPERSONATED);
	assert_int_equal(a.delegate_count, 2);
	assert_true(view_is(a.delegates[1], "d2"));
	assert_true(view_is(a.lifetime, "3600"));
	assert_int_equal(a.source->kind, GOOGLE_AUTHORIZED_USER);
	assert_true(view_is(a.source->refresh_token, "r"));
}

static void bad_accounts_are_refused(void **state)
{
	static const char *const rows[][2] = {
		{ "{}", "missing `type` field in credential" },
		{ "{\"type\":\"tea\"}", "unknown credential type: \"tea\"" },
		{ "{\"type\":\"service_account\",\"client_email\":\"a\"}", "credentials: the service account has no `private_key`" },
		{ "{\"type\":\"service_account\",\"private_key\":\"a\"}", "credentials: the service account has no `client_email`" },
		{ "{\"type\":\"authorized_user\",\"client_id\":\"a\"}",
			"credentials: the user has no `client_id`, `client_secret` or `refresh_token`" },
		{ "{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"t\"}",
			"credentials: unable to parse credential source" },
		{ "{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"t\",\"credential_source\":{\"environment_id\":\"aws1\"}}",
			"credentials: of the sources of an external account only `file` and `url` are supported" },
		{ "{\"type\":\"impersonated_service_account\",\"service_account_impersonation_url\":\"u\",\"source_credentials\":"
		  "{\"type\":\"impersonated_service_account\",\"service_account_impersonation_url\":\"u\"}}",
			"credentials: an impersonated account cannot be the source of another" },
		{ "{\"type\":\"service_account\"", "unexpected end of JSON input" },
		{ "tea", "it is not a JSON object" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_string_equal(problem_of(*state, rows[i][0]), rows[i][1]);
}

/* --- Azure --- */

static void environments_have_names(void **state)
{
	struct azure_environment e;
	const char *why;
	assert_true(azure_environment_find(&e, *state, VIEW(""), &why));
	assert_string_equal(e.manager, "https://management.azure.com/");
	assert_true(azure_environment_find(&e, *state, VIEW("AzureChinaCloud"), &why));
	assert_string_equal(e.login, "https://login.chinacloudapi.cn/");
	assert_string_equal(e.manager, "https://management.chinacloudapi.cn/");
	assert_false(azure_environment_find(&e, *state, VIEW("Moon"), &why));
	assert_string_equal(why, "autorest/azure: There is no cloud environment matching the name \"MOON\"");
	assert_true(azure_environment_read(
		&e, *state, VIEW("{\"activeDirectoryEndpoint\":\"https://a\",\"resourceManagerEndpoint\":\"https://r/\"}"), &why));
	assert_string_equal(e.login, "https://a/");
	assert_string_equal(e.manager, "https://r/");
	assert_false(azure_environment_read(&e, *state, VIEW("{\"activeDirectoryEndpoint\":\"https://a\"}"), &why));
	assert_string_equal(why, "resourceManagerEndpoint is missing");
}

static void forget_variables(void)
{
	static const char *const names[] = { "MSI_ENDPOINT", "MSI_SECRET", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_TENANT_ID",
		"AZURE_CLIENT_ID", "AZURE_AUTHORITY_HOST" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		unsetenv(names[i]);
}

static void credentials_are_chosen(void **state)
{
	struct azure_credentials c = { .secret = "s" };
	const char *why;
	forget_variables();
	assert_false(azure_credentials_find(&c, *state, &why));
	assert_string_equal(why, "failed to get SPT from client credentials: parameter 'clientID' cannot be empty");
	c.client = "c";
	assert_false(azure_credentials_find(&c, *state, &why));
	assert_string_equal(why, "failed to get SPT from client credentials: parameter 'tenantID' cannot be empty");
	c.tenant = "t";
	assert_true(azure_credentials_find(&c, *state, &why));
	assert_int_equal(c.kind, AZURE_SECRET);

	c = (struct azure_credentials){ .environment.login = "https://login/" };
	assert_true(azure_credentials_find(&c, *state, &why));
	assert_int_equal(c.kind, AZURE_MACHINE);
	setenv("MSI_ENDPOINT", "http://127.0.0.1:1/msi", 1);
	assert_true(azure_credentials_find(&c, *state, &why));
	assert_int_equal(c.kind, AZURE_CLOUD_SHELL);
	setenv("MSI_SECRET", "m", 1);
	assert_true(azure_credentials_find(&c, *state, &why));
	assert_int_equal(c.kind, AZURE_APP_SERVICE);
	setenv("AZURE_FEDERATED_TOKEN_FILE", "/var/run/token", 1);
	setenv("AZURE_TENANT_ID", "t", 1);
	setenv("AZURE_CLIENT_ID", "c", 1);
	assert_true(azure_credentials_find(&c, *state, &why));
	assert_int_equal(c.kind, AZURE_FEDERATED);
	assert_string_equal(c.login, "https://login/");
	forget_variables();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_sign),
		cmocka_unit_test(other_keys_do_not),
		cmocka_unit_test(a_token_has_its_claims),
		cmocka_unit_test(fields_have_paths),
		cmocka_unit_test(only_one_object_is_read),
		cmocka_unit_test(strings_are_written),
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(answers_have_tokens),
		cmocka_unit_test(answers_without_are_refused),
		cmocka_unit_test(accounts_are_read),
		cmocka_unit_test(accounts_may_be_nested),
		cmocka_unit_test(bad_accounts_are_refused),
		cmocka_unit_test(environments_have_names),
		cmocka_unit_test(credentials_are_chosen),
	};
	return cmocka_run_group_tests_name("cloud credentials", tests, set_up, tear_down);
}
