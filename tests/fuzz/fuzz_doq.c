/* Any octets on a stream, in any pieces: what they are does not depend on the pieces, and a message
 * lies within them. */
#include "fuzz.h"
#include "net/quic/doq_framing.h"

/* Octets that are all there decide; fewer of them may only be undecided, or decided likewise. */
static void check(struct view octets, bool ended)
{
	struct view whole = { 0 };
	enum doq_frame last = doq_frame_read(octets, ended, &whole);
	if (last == DOQ_WHOLE)
		MUST(whole.at == octets.at + DOQ_PREFIX && whole.length > 0 &&
			whole.length <= octets.length - DOQ_PREFIX);
	for (size_t n = 0; n < octets.length; n++) {
		struct view part = { 0 };
		enum doq_frame frame = doq_frame_read(view_first(octets, n), false, &part);
		MUST(frame == DOQ_PARTIAL || frame == last);
		MUST(frame != DOQ_WHOLE || view_equal(part, whole));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view octets = { (const char *)data, size < 4096 ? size : 4096 };
	check(octets, true);
	check(octets, false);
	return 0;
}
