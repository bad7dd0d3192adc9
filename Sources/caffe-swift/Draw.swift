import ArgumentParser
import Caffe

extension NetDrawing.Direction: ExpressibleByArgument {}

struct Draw: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draw a net: layers, shapes and parameter counts, as SVG, PNG or PDF.",
    discussion: """
      Examples: caffe-swift draw deploy.prototxt net.svg
                caffe-swift draw train_val.prototxt net.png --phase TEST --shape data=1,3,227,227

      Green boxes are data, blue ones learn, yellow ones may run in place, red ones are losses, violet \
      ones only measure. Needs Graphviz.
      """)

  @Argument(help: "The net, a NetParameter as text.")
  var net: String

  @Argument(
    help: "The picture to write; its ending says the format. A .dot file is Graphviz's text.")
  var output: String

  @Option(name: .customLong("rankdir"), help: "Which way data flows: TB (down) or LR (right).")
  var direction = NetDrawing.Direction.down

  @OptionGroup var look: LookOptions

  func run() throws {
    let drawing = NetDrawing(try look.plan(net), direction: direction)
    if output.hasSuffix(".dot") {
      try AtomicFile.write(output, text: drawing.dot)
    } else {
      try drawing.write(to: output)
    }
  }
}
