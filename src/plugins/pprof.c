/* Go's profiler: its syntax is accepted, there is nothing that it could serve. */
#include "server/admin.h"

static bool pprof_setup(struct setup *s)
{
	const char *address = "localhost:6053";
	if (!admin_args_address(s, &address))
		return false;
	setup_warning(s, "this server is no Go program and has no profiles to serve: the directive "
			 "has no effect");
	return true;
}

static bool read_block(struct setup *s)
{
	struct view *words;
	uint64_t rate;
	size_t count = args_rest(s, &words);
	if (count > 1)
		return setup_argument_error(s);
	if (count == 1 && !view_unsigned(words[0], INT32_MAX, &rate))
		return setup_error(
			s, "property 'block' invalid integer value '%.*s'", VIEW_ARGS(words[0]));
	return true;
}

static const struct option options[] = {
	{ .name = "block",
		.arguments = "[RATE]",
		.fallback = "1",
		.help = "no effect",
		.read = read_block },
	{ 0 },
};

PLUGIN(pprof) = {
	.name = "pprof",
	.arguments = "[ADDRESS]",
	.help = "accepted for the sake of existing Corefiles: profiles of the Go run-time, which "
		"this server has not",
	.options = options,
	.once = true,
	.setup = pprof_setup,
};
