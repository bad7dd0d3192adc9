/// Which rows of an Embed's top are the same, for a layer above that works on each of them once.
///
/// The rows of a word are a group; groups are numbered in the order in which their words first occur.
final class RepeatedRows {
  /// Row indices and group numbers are kept as a lookup takes them.
  private(set) var groups: [Float]
  /// The first row of each group; 0 beyond the last group.
  private(set) var firstRows: [Float]
  /// How many groups there are, which may be more than `capacity`.
  private(set) var count = 0
  /// The most groups that are worth being worked on one by one.
  let capacity: Int
  private var groupOfWord: [Int32]

  /// - Parameter words: how many the Embed knows.
  init(rows: Int, words: Int) {
    capacity = min(words, rows / 2)
    groups = Array(repeating: 0, count: rows)
    firstRows = Array(repeating: 0, count: capacity)
    groupOfWord = Array(repeating: -1, count: words)
  }

  /// Whether there are so many groups that the rows had better be worked on one by one.
  var isTooMany: Bool { count > capacity }

  /// - Parameter words: the word of each row, checked before.
  func note(_ words: UnsafePointer<Float>) {
    count = 0
    for row in groups.indices {
      let word = Int(words[row])
      if groupOfWord[word] < 0 {
        groupOfWord[word] = Int32(count)
        if count < capacity { firstRows[count] = Float(row) }
        count += 1
      }
      groups[row] = Float(groupOfWord[word])
    }
    for unused in firstRows.indices.dropFirst(count) { firstRows[unused] = 0 }
    for row in groups.indices { groupOfWord[Int(words[row])] = -1 }
  }
}
