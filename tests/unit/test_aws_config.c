/* sync/aws_config: the shared files of Amazon's tools, and which source of credentials they lead to. */
#include "test.h"

#include "sync/aws_credentials.h"
#include "sync/aws_endpoint.h"
#include <stdlib.h>

static struct aws_config config_of(const char *config, const char *credentials)
{
	struct aws_config c = { .arena = arena_new(4096) };
	aws_config_add(&c, view_of(config), AWS_CONFIG);
	aws_config_add(&c, view_of(credentials), AWS_CREDENTIALS);
	return c;
}

static void sections_and_keys(void **state)
{
	(void)state;
	struct aws_config c = config_of("# a comment\r\n[default]\r\nregion = eu-west-1 ; where\r\nOUTPUT=json\r\n"
					"[profile work]\nrole_arn = a#b\nsource_profile=default\n[bare]\nregion = no\n"
					"[profile  spaced ]\nregion = yes\n[broken\nregion = lost\n",
		"[work]\naws_access_key_id = AKID\n[profile odd]\nregion = no\n");
	assert_string_equal(aws_config_get(&c, "default", "region"), "eu-west-1");
	assert_string_equal(aws_config_get(&c, "default", "output"), "json");
	assert_string_equal(aws_config_get(&c, "work", "role_arn"), "a#b");
	assert_string_equal(aws_config_get(&c, "work", "aws_access_key_id"), "AKID");
	assert_string_equal(aws_config_get(&c, "spaced", "region"), "yes");
	assert_null(aws_config_get(&c, "default", "nothing"));
	assert_false(aws_config_has_profile(&c, "bare"));
	assert_false(aws_config_has_profile(&c, "odd"));
	arena_free(c.arena);
}

static void credentials_files_count_more(void **state)
{
	(void)state;
	struct aws_config c = config_of("[default]\naws_access_key_id = one\nregion = r\n", "[default]\naws_access_key_id = two\n");
	assert_string_equal(aws_config_get(&c, "default", "aws_access_key_id"), "two");
	assert_string_equal(aws_config_get(&c, "default", "region"), "r");
	arena_free(c.arena);
}

static void a_corefiles_file_is_of_either_kind(void **state)
{
	(void)state;
	struct aws_config c = { .arena = arena_new(4096) };
	aws_config_add(&c, VIEW("[one]\nregion = 1\n[profile two]\nregion = 2\n"), AWS_EITHER);
	assert_string_equal(aws_config_get(&c, "one", "region"), "1");
	assert_string_equal(aws_config_get(&c, "two", "region"), "2");
	arena_free(c.arena);
}

static void endpoints(void **state)
{
	(void)state;
	struct aws_config c = config_of("[default]\nservices = S\nendpoint_url = http://all\n[services S]\ns3 =\n  endpoint_url = http://s3\n"
					"route_53 =\n  endpoint_url = http://mine/\n[profile gov]\nregion = us-gov-east-1\n"
					"[profile ignoring]\nservices = S\nignore_configured_endpoint_urls = true\nuse_fips_endpoint = true\n",
		"");
	unsetenv("AWS_ENDPOINT_URL_ROUTE_53");
	unsetenv("AWS_ENDPOINT_URL");
	unsetenv("AWS_REGION");
	unsetenv("AWS_DEFAULT_REGION");
	struct view region = VIEW("eu-west-1");
	struct aws_endpoint e = aws_endpoint_of_route53(&c, "default", NULL, region);
	assert_string_equal(e.base, "http://mine");
	assert_true(view_is(e.region, "eu-west-1"));
	e = aws_endpoint_of_route53(&c, "default", "http://own//", region);
	assert_string_equal(e.base, "http://own");
	e = aws_endpoint_of_route53(&c, "gov", NULL, aws_region(&c, "gov"));
	assert_string_equal(e.base, "https://route53.us-gov.amazonaws.com");
	assert_true(view_is(e.region, "us-gov-west-1"));
	e = aws_endpoint_of_route53(&c, "ignoring", NULL, region);
	assert_string_equal(e.base, "https://route53-fips.amazonaws.com");
	assert_true(view_is(e.region, "us-east-1"));
	assert_true(view_is(aws_region(&c, "nobody"), "us-east-1"));
	setenv("AWS_ENDPOINT_URL", "http://environment", 1);
	e = aws_endpoint_of_route53(&c, "default", NULL, region);
	assert_string_equal(e.base, "http://environment");
	unsetenv("AWS_ENDPOINT_URL");
	arena_free(c.arena);
}

static const char *identity(struct aws_config *c, const char *profile)
{
	const char *why = "";
	struct aws_choice choice = {
		.config = c, .profile = profile, .explicit_profile = true, .region = VIEW("us-east-1")
	};
	struct aws_source *s = aws_source_choose(c->arena, &choice, &why);
	return s ? aws_source_identity(c->arena, s) : why;
}

static void the_chain_of_profiles(void **state)
{
	(void)state;
	struct aws_config c = config_of("[profile role]\nrole_arn = arn:x\nsource_profile = keys\n"
					"[profile self]\nrole_arn = arn:self\nsource_profile = self\n"
					"[profile web]\nrole_arn = arn:web\nweb_identity_token_file = /t\n"
					"[profile ec2]\nrole_arn = arn:ec2\ncredential_source = Ec2InstanceMetadata\n"
					"[profile odd]\ncredential_source = Moon\n[profile a]\nsource_profile = b\n[profile b]\nsource_profile = a\n",
		"[keys]\naws_access_key_id = AKID\naws_secret_access_key = s\n[self]\naws_access_key_id = AKSELF\naws_secret_access_key = s\n");
	assert_string_equal(identity(&c, "keys"), "key AKID");
	assert_string_equal(identity(&c, "role"), "role arn:x");
	assert_string_equal(identity(&c, "self"), "role arn:self");
	assert_string_equal(identity(&c, "web"), "role arn:web");
	assert_string_equal(identity(&c, "ec2"), "role arn:ec2");
	assert_string_equal(identity(&c, "odd"), "invalid credential_source Moon");
	assert_string_equal(identity(&c, "a"), "profiles are the source_profile of each other");
	arena_free(c.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_and_keys),
		cmocka_unit_test(credentials_files_count_more),
		cmocka_unit_test(a_corefiles_file_is_of_either_kind),
		cmocka_unit_test(endpoints),
		cmocka_unit_test(the_chain_of_profiles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
