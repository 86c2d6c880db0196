package guard

import "hash/maphash"

// NameSet finds repeated names among any number of them in linear time; the zero NameSet is empty and ready.
// Up to a few names are compared one by one; beyond, a seeded hash table, which an attacker cannot fill with
// collisions, takes over.
type NameSet struct {
	names []string // borrowed until Reset
	table []uint32 // index into names plus 1, by hash; a power of two long; unused while small
	seed  maphash.Seed
}

const (
	fewNames  = 16
	keptNames = 1024 // a set that grew larger is dropped at Reset
)

// Reset empties the set.
func (s *NameSet) Reset() {
	if len(s.names) == 0 {
		return
	}
	if cap(s.names) > keptNames {
		*s = NameSet{}
		return
	}
	clear(s.names)
	s.names = s.names[:0]
	s.table = s.table[:0]
}

// Len returns the number of names in the set.
func (s *NameSet) Len() int { return len(s.names) }

// Add adds name and reports whether it was new. The set borrows name until Reset.
func (s *NameSet) Add(name string) bool {
	if len(s.names) < fewNames {
		for _, n := range s.names {
			if n == name {
				return false
			}
		}
		s.names = append(s.names, name)
		return true
	}
	if len(s.names)*2 >= len(s.table) {
		s.grow()
	}
	slot := s.slot(name)
	if s.table[slot] != 0 {
		return false
	}
	s.names = append(s.names, name)
	s.table[slot] = uint32(len(s.names))
	return true
}

// slot returns where name stands in the table, or would.
func (s *NameSet) slot(name string) int {
	mask := len(s.table) - 1
	i := int(maphash.String(s.seed, name)) & mask
	for s.table[i] != 0 && s.names[s.table[i]-1] != name {
		i = (i + 1) & mask
	}
	return i
}

func (s *NameSet) grow() {
	if s.seed == (maphash.Seed{}) {
		s.seed = maphash.MakeSeed()
	}
	size := max(len(s.table)*2, fewNames*4)
	if cap(s.table) >= size { // of a body before
		s.table = s.table[:size]
		clear(s.table)
	} else {
		s.table = make([]uint32, size)
	}
	for i, name := range s.names {
		s.table[s.slot(name)] = uint32(i + 1)
	}
}
