# Reads a coverage profile in which a block may stand several times (once for each test binary) and prints, for each
# package, the share of statements that any test ran. Exits 1 when one has less than 90%.
/^mode:/ { next }
{
	block = $1
	statements[block] = $2
	if ($3 > 0) hit[block] = 1
}
END {
	for (block in statements) {
		package = block
		sub(/\/[^\/]*$/, "", package)
		all[package] += statements[block]
		if (block in hit) covered[package] += statements[block]
	}
	for (package in all) {
		share = 100 * covered[package] / all[package]
		total_all += all[package]; total_covered += covered[package]
		if (share < 90) { mark = "  below 90%"; failed = 1 } else mark = ""
		printf "%6.1f%%  %s%s\n", share, package, mark | "sort -k2"
	}
	close("sort -k2")
	printf "%6.1f%%  all\n", 100 * total_covered / total_all
	exit failed
}
