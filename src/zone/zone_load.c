/* From a master file to a zone: all of it, or nothing and the reason. */
#include "zone/zone_load.h"

#include "base/error.h"
#include "base/file.h"
#include "dns/rdata.h"
#include "dns/zonefile.h"
#include "zone/file_text.h"

#include <errno.h>

struct loading {
	struct zone_load *load;
	struct arena *scratch;
	struct file_text text;
	struct zonefile reader;
	struct zone_builder *builder;
	const char *origin; /* as text */
};

static const char *include(struct zonefile *reader, const char *path, struct view *text)
{
	struct loading *in = reader->include_data;
	int error = file_read(in->scratch, path, SIZE_MAX, text);
	in->load->includes = true;
	return error ? arena_printf(in->scratch, "open %s: %s", path, error_text(error)) : NULL;
}

/* Gives back what the reader has read of the file itself. */
static void release_read(struct loading *in)
{
	const char *at = in->reader.lexer.rest.at;
	if (at >= in->text.at && at <= in->text.at + in->text.length)
		file_text_release(&in->text, (size_t)(at - in->text.at));
}

static bool broken(struct loading *in, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static bool broken(struct loading *in, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	in->load->error = arena_vprintf(in->load->arena, format, args);
	va_end(args);
	return false;
}

static bool is_unchanged(const struct zone_load *l, const struct record *r)
{
	return l->has_serial && r->type == TYPE_SOA &&
	       rdata_u32(record_rdata(r), r->rdata_length - 20u) == l->serial;
}

/* Adds all records. False when that ends early: *unchanged says that the serial is as it was, else
 * there is an error. */
static bool read_records(struct loading *in, bool *unchanged)
{
	struct zone_load *l = in->load;
	struct record r;
	bool first_soa = true;
	while (zonefile_next(&in->reader, &r)) {
		if (first_soa && is_unchanged(l, &r)) {
			*unchanged = true;
			return false;
		}
		first_soa &= r.type != TYPE_SOA;
		switch (zone_add(in->builder, &r)) {
		case ZONE_ADDED:
			break;
		case ZONE_OUTSIDE:
			l->outside++;
			break;
		case ZONE_REFUSED:
			return broken(in,
				"file \"%s\" cannot be used for origin %s: %s at line: %u", l->path,
				in->origin, zone_builder_error(in->builder), in->reader.lexer.line);
		}
		release_read(in);
	}
	if (in->reader.error)
		return broken(in, "failed to parse file \"%s\" for origin %s with error %s",
			l->path, in->origin, in->reader.error);
	return first_soa ? broken(in, "file \"%s\" has no SOA record for origin %s", l->path,
				   in->origin)
			 : true;
}

static enum zone_load_result build(struct loading *in)
{
	struct zone_load *l = in->load;
	bool unchanged = false;
	zonefile_open(&in->reader, in->scratch, file_text_view(&in->text), l->path, l->origin);
	in->reader.include = include;
	in->reader.include_data = in;
	if (!read_records(in, &unchanged))
		return unchanged ? ZONE_UNCHANGED : ZONE_BROKEN;
	l->zone = zone_seal(in->builder);
	if (l->zone)
		return ZONE_LOADED;
	broken(in, "file \"%s\" cannot be used for origin %s: %s", l->path, in->origin,
		zone_builder_error(in->builder));
	return ZONE_BROKEN;
}

enum zone_load_result zone_load(struct zone_load *l)
{
	struct loading in = { .load = l };
	l->zone = NULL;
	l->outside = 0;
	l->includes = false;
	enum file_text_step step = file_text_read(&in.text, l->path);
	if (step != FILE_TEXT_DONE) {
		l->error = arena_printf(l->arena, "%s %s: %s",
			step == FILE_TEXT_OPEN ? "open" : "read", l->path, error_text(errno));
		return step == FILE_TEXT_OPEN ? ZONE_NOT_OPENED : ZONE_BROKEN;
	}
	l->version = in.text.after;
	l->changed = !file_same_version(&in.text.before, &in.text.after);
	in.scratch = arena_new(4096);
	in.origin = name_text(in.scratch, l->origin);
	in.builder = zone_builder_new(l->origin);
	enum zone_load_result result = build(&in);
	zone_builder_free(in.builder);
	file_text_free(&in.text);
	arena_free(in.scratch);
	return result;
}

bool file_same_version(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}
