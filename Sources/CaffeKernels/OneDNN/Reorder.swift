import COneDNN
import Synchronization

/// Copies a tensor from one order in memory to another.
///
/// Layouts are shared by many tensors, so threads that meet here wait for each other.
final class Reorder: @unchecked Sendable {
  private let turn = Mutex(())
  private let primitive: Primitive
  private let scratch: AlignedBuffer

  /// - Parameter accumulating: adds to the destination instead of overwriting it.
  init(
    from source: MemoryDescriptor, to destination: MemoryDescriptor, accumulating: Bool = false
  ) throws {
    let attributes = try Attributes(fused: accumulating ? .sum : .nothing)
    let descriptor = try PrimitiveDescriptor("reorder", acceptingReference: true) {
      runtime, created in
      withUnsafePointer(to: source.raw) { from in
        withUnsafePointer(to: destination.raw) { to in
          dnnl_reorder_primitive_desc_create(
            &created, from, runtime.engine, to, runtime.engine, attributes.raw)
        }
      }
    }
    primitive = try Primitive(descriptor, arguments: [.input, .output])
    scratch = AlignedBuffer(byteCount: descriptor.byteCount(.scratchpad))
  }

  var implementation: String { primitive.descriptor.implementation }

  func run(_ source: UnsafeRawPointer, into destination: UnsafeMutableRawPointer) {
    turn.withLock { _ in
      primitive.bind(.input, source)
      primitive.bind(.output, destination)
      primitive.run(scratchpad: scratch.pointer)
    }
  }
}
