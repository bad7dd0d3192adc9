/// Finds the known name that a misspelt one was probably meant to be.
enum Spelling {
  /// The nearest candidate, upper and lower case alike, if no more than a third of it differs.
  static func nearest(to name: String, among candidates: [String]) -> String? {
    let written = Array(name.lowercased().utf8)
    let ranked = candidates.map { ($0, distance(written, Array($0.lowercased().utf8))) }
    guard let (best, edits) = ranked.min(by: { $0.1 < $1.1 }) else { return nil }
    return edits <= max(1, best.utf8.count / 3) ? best : nil
  }

  /// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
  static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var edits = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
          edits = min(edits, beforeLast[j - 1] + 1)
        }
        row.append(edits)
      }
      beforeLast = last
      last = row
    }
    return last[b.count]
  }
}
