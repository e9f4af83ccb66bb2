/* Any octets as the shared files of Amazon's tools, and the source of credentials that they lead to. */
#include "fuzz.h"

#include "sync/aws_credentials.h"

static void choose(struct aws_config *c, struct arena *arena, const char *profile, bool named)
{
	const struct aws_choice choice = {
		.config = c, .profile = profile, .explicit_profile = named, .region = VIEW("us-east-1")
	};
	const char *why = NULL;
	struct aws_source *s = aws_source_choose(arena, &choice, &why);
	MUST(s || why);
	if (s)
		MUST(strlen(aws_source_identity(arena, s)) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(4096);
	struct aws_config c = { .arena = arena };
	struct view text = { (const char *)data, size };
	size_t half = view_find(text, '\f');
	aws_config_add(&c, view_first(text, half), AWS_CONFIG);
	aws_config_add(&c, view_skip(text, half), AWS_CREDENTIALS);
	aws_config_add(&c, text, AWS_EITHER);
	choose(&c, arena, "default", false);
	choose(&c, arena, "work", true);
	(void)aws_config_service(&c, "S", "route_53", "endpoint_url");
	MUST(c.count <= size);
	arena_free(arena);
	return 0;
}
