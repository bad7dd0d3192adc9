/// Finds what somebody probably meant.
public enum NearestName {
  /// The candidate with the fewest edits (insert, delete, replace, swap neighbours) from `name`, if
  /// that is no more than a third of the candidate's letters; case counts as no edit.
  public static func of(_ name: String, among candidates: some Sequence<String>) -> String? {
    let wanted = Array(name.lowercased().utf8)
    let nearest =
      candidates
      .map { (name: $0, edits: edits(wanted, Array($0.lowercased().utf8))) }
      .min { ($0.edits, $0.name) < ($1.edits, $1.name) }
    guard let nearest, nearest.edits <= max(1, nearest.name.utf8.count / 3) else { return nil }
    return nearest.name
  }

  /// Optimal string alignment distance.
  private static func edits(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var older: [Int] = []
    var old = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var best = min(old[j + 1] + 1, row[j] + 1, old[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, older[j - 1] + 1) }
        row.append(best)
      }
      (older, old) = (old, row)
    }
    return old[b.count]
  }
}
