/* Edit distance with insertions, deletions, replacements and swaps of neighbours, over short words. */
#include "server/nearest.h"

enum { WORD_MAX = 32 };

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned edit_distance(struct view a, struct view b)
{
	unsigned rows[3][WORD_MAX + 1];
	for (unsigned j = 0; j <= b.length; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= a.length; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
		row[0] = i;
		for (unsigned j = 1; j <= b.length; j++) {
			unsigned change = a.at[i - 1] == b.at[j - 1] ? 0 : 1;
			row[j] = smaller(above[j - 1] + change, smaller(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1])
				row[j] = smaller(row[j], two_above[j - 2] + 1);
		}
	}
	return rows[a.length % 3][b.length];
}

struct nearest nearest_begin(struct view typed)
{
	unsigned third = (unsigned)(typed.length / 3);
	return (struct nearest){ .typed = typed, .distance = (third < 2 ? third : 2) + 1 };
}

void nearest_try(struct nearest *n, const char *word)
{
	struct view w = view_of(word);
	if (w.length > WORD_MAX || n->typed.length > WORD_MAX)
		return;
	unsigned d = edit_distance(n->typed, w);
	if (d < n->distance) {
		n->distance = d;
		n->best = word;
	}
}
