/* Where the relative paths of a server block start. */
#include "base/error.h"
#include "server/block.h"
#include <errno.h>
#include <sys/stat.h>

static bool root_setup(struct setup *s)
{
	struct view path;
	if (!arg_need(s, &path) || !arg_end(s))
		return false;
	s->block->root = arena_string(s->arena, path);
	return true;
}

static bool root_finish(struct setup *s)
{
	struct stat status;
	if (stat(s->block->root, &status) == 0)
		return true;
	if (errno != ENOENT)
		return setup_error_plain(
			s, "unable to access root path '%s': %s", s->block->root, error_text(errno));
	setup_warning(s, "Root path does not exist: %s", s->block->root);
	return true;
}

PLUGIN(root) = {
	.name = "root",
	.arguments = "PATH",
	.help = "says where the relative paths of the block's other directives start",
	.about = "Without it they start at the folder that the server was started in. A path that "
		 "does not exist is a "
		 "warning: what is to stand there may come later.",
	.setup = root_setup,
	.finish = root_finish,
};
