/* The framing of DNS over QUIC. */
#include "net/quic/doq_framing.h"

static size_t u16(struct view v)
{
	const uint8_t *at = (const uint8_t *)v.at;
	return (size_t)at[0] << 8 | at[1];
}

enum doq_frame doq_frame_read(struct view octets, bool ended, struct view *message)
{
	const enum doq_frame lacking = ended ? DOQ_BROKEN : DOQ_PARTIAL;
	if (octets.length < DOQ_PREFIX)
		return lacking;
	size_t length = u16(octets);
	struct view rest = view_skip(octets, DOQ_PREFIX);
	if (length == 0 || (rest.length >= 2 && length >= 2 && u16(rest) != 0))
		return DOQ_BROKEN;
	if (rest.length < length)
		return lacking;
	*message = view_first(rest, length);
	return DOQ_WHOLE;
}
