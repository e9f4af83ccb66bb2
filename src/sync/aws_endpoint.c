/* Endpoints. */
#include "sync/aws_endpoint.h"

struct view aws_region(const struct aws_config *c, const char *profile)
{
	const char *region = aws_setting(c, profile, "AWS_REGION", NULL);
	if (!region)
		region = aws_setting(c, profile, "AWS_DEFAULT_REGION", "region");
	return region ? view_of(region) : VIEW("us-east-1");
}

/* NULL: nothing is set. */
static const char *configured(const struct aws_config *c, const char *profile)
{
	static const char ignore[] = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";
	const char *url, *services;
	if (aws_setting_is_true(c, profile, ignore, "ignore_configured_endpoint_urls"))
		return NULL;
	if ((url = aws_setting(c, profile, "AWS_ENDPOINT_URL_ROUTE_53", NULL)) ||
		(url = aws_setting(c, profile, "AWS_ENDPOINT_URL", NULL)))
		return url;
	services = aws_config_get(c, profile, "services");
	if (services && (url = aws_config_service(c, services, "route_53", "endpoint_url")))
		return url;
	return aws_config_get(c, profile, "endpoint_url");
}

struct partition {
	struct view prefix; /* of its regions */
	const char *base, *fips, *dual, *region;
};

/* The one with an empty prefix is last. */
static const struct partition partitions[] = {
	{ { "cn-", 3 }, "https://route53.amazonaws.com.cn", NULL, NULL, "cn-northwest-1" },
	{ { "us-gov-", 7 }, "https://route53.us-gov.amazonaws.com", NULL, NULL, "us-gov-west-1" },
	{ { "us-isob-", 8 }, "https://route53.sc2s.sgov.gov", NULL, NULL, "us-isob-east-1" },
	{ { "us-iso-", 7 }, "https://route53.c2s.ic.gov", NULL, NULL, "us-iso-east-1" },
	{ { "", 0 }, "https://route53.amazonaws.com", "https://route53-fips.amazonaws.com",
		"https://route53.global.api.aws", "us-east-1" },
};

static const char *without_slash(const struct aws_config *c, const char *url)
{
	struct view v = view_of(url);
	while (view_ends(v, VIEW("/")))
		v.length--;
	return arena_string(c->arena, v);
}

struct aws_endpoint aws_endpoint_of_route53(
	const struct aws_config *c, const char *profile, const char *own, struct view region)
{
	const char *url = own ? own : configured(c, profile);
	const struct partition *p = partitions;
	if (url)
		return (struct aws_endpoint){ without_slash(c, url), region };
	while (!view_starts(region, p->prefix))
		p++;
	url = p->base;
	if (p->dual && aws_setting_is_true(c, profile, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"))
		url = p->dual;
	if (p->fips && aws_setting_is_true(c, profile, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"))
		url = p->fips;
	return (struct aws_endpoint){ url, view_of(p->region) };
}
