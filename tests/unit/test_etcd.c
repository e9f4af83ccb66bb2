/* etcd and nomad: what they say of what they cannot read. */
#include "test.h"

#include "plugin_bed.h"

static void refuses(const char *block, const char *why)
{
	char corefile[512];
	snprintf(corefile, sizeof corefile, "example.org {\n%s\n}\n", block);
	struct bed *b = bed_build(corefile, true);
	assert_null(b->config);
	if (!strstr(bed_complaint(b), why))
		fail_msg("%s: %s", block, bed_complaint(b));
	bed_free(b);
}

static void directives_say_what_is_wrong(void **state)
{
	(void)state;
	refuses("etcd {\n path\n}", "Wrong argument count");
	refuses("etcd {\n endpoint\n}", "Wrong argument count");
	refuses("etcd {\n credentials user\n}", "credentials requires 2 arguments, username and password");
	refuses("etcd {\n tls a b c d\n}", "maximum of three arguments allowed for TLS config, found 4");
	refuses("etcd {\n min-lease-ttl x\n}", "invalid min-lease-ttl value: invalid TTL format");
	refuses("etcd {\n max-lease-ttl -5\n}", "invalid max-lease-ttl value: TTL must be non-negative");
	refuses("etcd {\n max-lease-ttl 4294967296\n}", "TTL too large, maximum is 4294967295 seconds");
	refuses("etcd {\n nonsense\n}", "unknown property 'nonsense'");
	refuses("nomad {\n address\n}", "at least one address is required");
	refuses("nomad {\n filter\n}", "exactly one filter is required");
	refuses("nomad {\n token a b\n}", "exactly one token is required");
	refuses("nomad {\n ttl\n}", "exactly one ttl value is required");
	refuses("nomad {\n ttl x\n}", "error parsing ttl: strconv.Atoi: parsing \"x\": invalid syntax");
	refuses("nomad {\n ttl 3601\n}", "ttl must be in range [0, 3600]: 3601");
	refuses("nomad {\n address 1.2.3.4:80\n}", "invalid address '1.2.3.4:80'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directives_say_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
