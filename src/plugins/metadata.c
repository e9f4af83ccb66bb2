/* Lets the block's plugins leave values for each other: "view/name", "kubernetes/namespace". */
#include "server/block.h"

static bool metadata_setup(struct setup *s)
{
	s->block->collects_metadata = true;
	return args_zones(s, &s->block->metadata_zones, &s->block->metadata_zone_count);
}

PLUGIN(metadata) = {
	.name = "metadata",
	.arguments = "[ZONES...]",
	.help = "collects metadata of each query, for log formats, views and rewrite",
	.about = "Values are collected for names in ZONES (the block's zones by default), before "
		 "the block's view is asked "
		 "whether it takes the query.",
	.once = true,
	.setup = metadata_setup,
};
