import CaffeCore
import CaffeKernels
import Testing

struct MemoryPoolTests {
  private func tensor(_ kibibytes: Int, from pool: MemoryPool) throws -> Tensor {
    let tensor = Tensor(try Shape([kibibytes * 256]))
    tensor.draw(from: pool)
    return tensor
  }

  /// Takes memory for new tensors.
  private func tensors(_ count: Int, of kibibytes: Int, from pool: MemoryPool) throws -> [Tensor] {
    try (0..<count).map { _ in
      let tensor = try tensor(kibibytes, from: pool)
      _ = tensor.overwrite()
      return tensor
    }
  }

  @Test func whatSmallOnesGiveBackServesALargeOne() throws {
    let pool = MemoryPool(expecting: 1 << 20)
    let large = try tensors(1, of: 8 << 10, from: pool)
    let bytes = pool.byteCount
    large[0].discard()
    let small = try tensors(30, of: 256, from: pool)
    #expect(pool.byteCount == bytes)
    // From the middle, from both ends, between two neighbours.
    for index in [Int](10..<20) + (0..<10).reversed() { small[index].discard() }
    for index in 20..<30 where index % 2 == 0 { small[index].discard() }
    for index in 20..<30 where index % 2 == 1 { small[index].discard() }
    _ = large[0].overwrite()
    #expect(pool.byteCount == bytes)
  }

  @Test func tensorsThatAreGoneGiveTheirMemoryBack() throws {
    let pool = MemoryPool(expecting: 1 << 20)
    for _ in 0..<10 { _ = try tensors(1, of: 4 << 10, from: pool) }
    #expect(pool.byteCount < 5 << 20)
  }

  @Test func nobodyWritesToTheMemoryOfAnother() throws {
    let pool = MemoryPool(expecting: 1 << 20)
    var numbers = SystemRandomNumberGenerator()
    var live: [(tensor: Tensor, value: Float)] = []
    for step in 0..<2000 {
      if live.count > 20 || (live.count > 0 && numbers.next() % 2 == 0) {
        let (tensor, value) = live.remove(at: Int(numbers.next() % UInt64(live.count)))
        #expect(tensor.values.allSatisfy { $0 == value })
        tensor.discard()
      } else {
        let tensor = try tensor(1 + Int(numbers.next() % 200), from: pool)
        tensor.values = Array(repeating: Float(step), count: tensor.count)
        live.append((tensor, Float(step)))
      }
    }
    for (tensor, value) in live { #expect(tensor.values.allSatisfy { $0 == value }) }
  }

  @Test func companionsExchangeMemoryOfOnePool() throws {
    let pool = MemoryPool(expecting: 1 << 20)
    let original = try tensor(1, from: pool)
    let other = original.companion()
    original.values = Array(repeating: 3, count: 256)
    original.moveValues(to: other)
    #expect(other.values.allSatisfy { $0 == 3 })
    other.discard()
    #expect(other.values.allSatisfy { $0 == 0 })
  }

  @Test func aScratchpadHasItsMemoryForOneLayerOnly() throws {
    let pool = MemoryPool(expecting: 1 << 20)
    let scratchpad = Scratchpad()
    scratchpad.draw(from: PooledScratch(pool))
    let region = scratchpad.claim(4 << 20)
    let first = try #require(scratchpad.pointer(to: region))
    let bytes = pool.byteCount
    #expect(scratchpad.pointer(to: region) == first)
    first.initializeMemory(as: UInt8.self, repeating: 7, count: 4 << 20)
    let other = try tensors(1, of: 2 << 10, from: pool)[0]
    #expect(other.values.allSatisfy { $0 == 0 })
    other.discard()
    scratchpad.rest()
    let values = try tensors(1, of: 4 << 10, from: pool)
    values[0].values = Array(repeating: 0, count: values[0].count)
    #expect(pool.byteCount <= bytes + 3 << 20)
    let second = try #require(scratchpad.pointer(to: region))
    second.initializeMemory(as: UInt8.self, repeating: 7, count: 4 << 20)
    #expect(values[0].values.allSatisfy { $0 == 0 })
  }

  /// What the neediest operation would take is for blobs while another one runs.
  @Test func aScratchpadTakesFromAPoolWhatARunNeeds() throws {
    let pool = MemoryPool(expecting: 1 << 20)
    let scratchpad = Scratchpad()
    scratchpad.draw(from: PooledScratch(pool))
    let (small, large) = (scratchpad.claim(1 << 18), scratchpad.claim(8 << 20))
    #expect(scratchpad.pointer(to: small) != nil)
    #expect(pool.byteCount < 2 << 20)
    let more = try #require(scratchpad.pointer(to: large))
    more.initializeMemory(as: UInt8.self, repeating: 7, count: 8 << 20)
    #expect(scratchpad.pointer(to: scratchpad.claim(0)) == nil)
  }
}
