//! The todo component with code of ours at the start of its handler: versions that every check
//! of their form lets pass, and that go wrong when they are asked something.

use crate::wasm::todo_component;
use wasmparser::{Parser, Payload};

const HANDLER: &str = "[async-lift]wasi:http/handler@0.3.0#handle";

// WebAssembly's instructions, as far as they are needed here.
const UNREACHABLE: u8 = 0x00;
const LOOP: [u8; 2] = [0x03, 0x40];
const IF: [u8; 2] = [0x04, 0x40];
const BR_0: [u8; 2] = [0x0c, 0x00];
const BR_IF_0: [u8; 2] = [0x0d, 0x00];
const END: u8 = 0x0b;
const GET_0: [u8; 2] = [0x20, 0x00];
const TEE_0: [u8; 2] = [0x22, 0x00];
const I32_CONST: u8 = 0x41;
const LESS: u8 = 0x48;
const MULTIPLY: u8 = 0x6c;
const SHIFT_LEFT: u8 = 0x74;
const LOAD: [u8; 3] = [0x28, 0x02, 0x00];
const STORE: [u8; 3] = [0x36, 0x02, 0x00];
const GROW: [u8; 2] = [0x40, 0x00];
const FILL: [u8; 3] = [0xfc, 0x0b, 0x00];

/// A version that traps on every request.
pub fn traps() -> Vec<u8> {
    with_prefix(&[UNREACHABLE])
}

/// A version that answers an instance's first request, which is all that a
/// probe sees, and traps on the next one.
pub fn traps_later() -> Vec<u8> {
    // The lowest end of the stack, where nothing comes to.
    let counter = [I32_CONST, 16];
    let code: [&[u8]; 7] =
        [&counter, &LOAD, &IF, &[UNREACHABLE, END], &counter, &[I32_CONST, 1], &STORE];
    with_prefix(&code.concat())
}

/// A version that computes for ever.
pub fn loops() -> Vec<u8> {
    with_prefix(&[&LOOP[..], &BR_0, &[END]].concat())
}

/// A version that takes and uses memory until it gets no more.
pub fn eats_memory() -> Vec<u8> {
    let code: [&[u8]; 11] = [
        &LOOP,
        &[I32_CONST, 16], // pages: 1 MiB
        &GROW,
        &TEE_0,
        &[I32_CONST, 0, LESS],
        &IF,
        &[UNREACHABLE, END],
        &[&GET_0[..], &[I32_CONST, 16, SHIFT_LEFT, I32_CONST, 1]].concat(),
        &[I32_CONST, 0x80, 0x80, 0xc0, 0x00], // bytes: 1 MiB
        &FILL,
        &[&BR_0[..], &[END]].concat(),
    ];
    with_prefix(&code.concat())
}

/// A version with so many loops in a row that no compiler is through with them
/// soon: what it does per loop grows with their number.
pub fn compiles_slowly() -> Vec<u8> {
    const LOOPS: usize = 20_000;
    let code = [&LOOP[..], &GET_0, &GET_0, &[MULTIPLY], &TEE_0, &BR_IF_0, &[END]].concat();
    with_prefix(&code.repeat(LOOPS))
}

/// A version that weighs more by so many bytes.
pub fn heavier_by(bytes: usize) -> Vec<u8> {
    let mut component = todo_component();
    let content = [&[4][..], b"fill", &vec![0; bytes]].concat();
    component.push(0); // a custom section
    component.extend(leb(content.len(), 0));
    component.extend(content);
    component
}

/// Puts code before the handler's own. It must leave the stack as it was; local
/// 0, the request, may be overwritten by code that never comes back.
fn with_prefix(code: &[u8]) -> Vec<u8> {
    let mut component = todo_component();
    let place = find_handler(&component);
    component.splice(place.code..place.code, code.iter().copied());
    let mut more = code.len();
    // From the inside out: what is before the change stays where it is.
    for (start, size) in [place.function, place.section, place.module] {
        more = enlarge(&mut component, start, size, more);
    }
    component
}

/// Where the handler is: start and size of what it is in.
#[derive(Default)]
struct Place {
    module: (usize, usize),
    section: (usize, usize),
    function: (usize, usize),
    /// Where its code begins, behind its locals.
    code: usize,
}

fn find_handler(component: &[u8]) -> Place {
    let mut place = Place::default();
    // Functions before the next body, and the handler's number, if this module has it.
    let (mut number, mut handler) = (0, None);
    for payload in Parser::new(0).parse_all(component) {
        match payload.expect("a component") {
            Payload::ModuleSection { unchecked_range, .. } => {
                place.module = extent(unchecked_range);
                (number, handler) = (0, None);
            }
            Payload::ImportSection(imports) => {
                let functions = imports.into_imports().filter(|import| {
                    matches!(
                        import.as_ref().expect("an import").ty,
                        wasmparser::TypeRef::Func(_) | wasmparser::TypeRef::FuncExact(_)
                    )
                });
                number = functions.count();
            }
            Payload::ExportSection(exports) => {
                let mut exports = exports.into_iter().map(|export| export.expect("an export"));
                handler = exports.find(|export| export.name == HANDLER).map(|e| e.index as usize);
            }
            Payload::CodeSectionStart { unchecked_range, .. } => {
                place.section = extent(unchecked_range);
            }
            Payload::CodeSectionEntry(body) => {
                if handler == Some(number) {
                    place.function = extent(body.range());
                    let code = body.get_operators_reader().expect("operators");
                    place.code = offset(code.original_position());
                    return place;
                }
                number += 1;
            }
            _ => {}
        }
    }
    panic!("the component has no {HANDLER}")
}

fn extent(range: std::ops::Range<u64>) -> (usize, usize) {
    (offset(range.start), offset(range.end - range.start))
}

fn offset(number: u64) -> usize {
    number.try_into().expect("a component that is in memory")
}

/// Adds to the size that is written before `start`, and returns by how much all grew.
fn enlarge(bytes: &mut Vec<u8>, start: usize, size: usize, more: usize) -> usize {
    let length = (1..=5).find(|length| bytes[start - length..start] == leb(size, *length)[..]);
    let length = length.expect("a size before its content");
    let new = leb(size + more, length);
    let grown = more + new.len() - length;
    bytes.splice(start - length..start, new);
    grown
}

/// A number in LEB128, of at least so many bytes.
fn leb(number: usize, length: usize) -> Vec<u8> {
    let mut bytes = vec![];
    let mut rest = number;
    while rest > 0 || bytes.len() < length.max(1) {
        bytes.push(0x80 | (rest.to_le_bytes()[0] & 0x7f));
        rest >>= 7;
    }
    if let Some(last) = bytes.last_mut() {
        *last &= 0x7f;
    }
    bytes
}
