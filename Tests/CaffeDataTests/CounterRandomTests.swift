import CaffeData
import Testing

@Suite struct CounterRandomTests {
  /// Every element once, whatever the count; prefixes of the square of a power of two included.
  @Test(arguments: [1, 2, 3, 4, 5, 16, 17, 1000, 4096])
  func permutationsAreComplete(count: Int) {
    let permutation = Permutation(count: count, random: CounterRandom(seed: 3))
    let elements = (0..<count).map { permutation[$0] }
    #expect(elements.sorted() == Array(0..<count))
  }

  @Test func permutationsDependOnTheSeed() {
    func order(_ seed: UInt64) -> [Int] {
      let permutation = Permutation(count: 100, random: CounterRandom(seed: seed))
      return (0..<100).map { permutation[$0] }
    }
    #expect(order(1) == order(1))
    #expect(order(1) != order(2))
    #expect(order(1) != Array(0..<100))
  }

  /// Over many seeds each element comes first about equally often.
  @Test func noElementIsPreferred() {
    var first = [Int](repeating: 0, count: 10)
    for seed in 0..<10000 as Range<UInt64> {
      first[Permutation(count: 10, random: CounterRandom(seed: seed))[0]] += 1
    }
    // 1000 expected; five standard deviations of a binomial are 150.
    #expect(first.allSatisfy { (850...1150).contains($0) }, "\(first)")
  }

  @Test func numbersFillTheirRange() {
    let random = CounterRandom(seed: 9)
    var seen = [Int](repeating: 0, count: 7)
    for index in 0..<7000 as Range<UInt64> { seen[random.number(index, below: 7)] += 1 }
    // 1000 expected; five standard deviations are 146.
    #expect(seen.allSatisfy { (854...1146).contains($0) }, "\(seen)")
  }
}
