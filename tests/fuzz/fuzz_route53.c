/* Any octets as an answer of Route 53 in XML: what is read goes into a zone, as it would. */
#include "fuzz.h"

#include "base/hash.h"
#include "plugins/route53/route53.h"
#include "sync/aws_error.h"
#include "sync/mirror_parts.h"

static void read_page(struct mirror_listing *l, struct view body)
{
	struct route53_page page = { .listing = l };
	const char *why = NULL;
	bool good = route53_read_page(&page, body, &why);
	MUST(good || page.given_up || why);
	MUST(!page.given_up || l->error);
	text_free(&page.next_name);
	text_free(&page.next_type);
	text_free(&page.next_id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view body = { (const char *)data, size };
	struct mirror_intake intake;
	struct aws_error error;
	hash_init();
	struct mirror_listing l = { .origin = NAME_LITERAL("\7example\3org"),
		.id = "Z1",
		.complaints = MIRROR_COMPLAINTS_MAX,
		.arena = arena_new(4096) };
	mirror_intake_begin(&intake, &l, 100);
	read_page(&l, body);
	zone_free(mirror_intake_seal(&intake));
	MUST(intake.count <= 100);
	mirror_intake_end(&intake);
	aws_error_read(l.arena, body, &error);
	MUST(strlen(error.code) <= 300 && strlen(error.message) <= 300);
	arena_free(l.arena);
	return 0;
}
