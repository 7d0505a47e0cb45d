//! Interfaces that a component imports and need not use: whoever calls them is ended, and the log
//! says what was called.

use wasmtime::Result;
use wasmtime::component::types::{ComponentFunc, ComponentInstance, ComponentItem};
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType};

use crate::guest::imports::is_offered;
use crate::guest::store::Guest;

/// A resource of theirs, of which there is none.
enum Absent {}

/// Defines what `component` imports and this host does not offer.
pub fn define(linker: &mut Linker<Guest>, component: &Component) -> Result<()> {
    let engine = component.engine().clone();
    for (name, item) in component.component_type().imports(&engine) {
        if let ComponentItem::ComponentInstance(instance) = item.ty
            && !is_offered(name)
        {
            define_instance(&mut linker.instance(name)?, name, &instance, &engine)?;
        }
    }
    Ok(())
}

fn define_instance(
    linker: &mut LinkerInstance<'_, Guest>,
    interface: &str,
    instance: &ComponentInstance,
    engine: &wasmtime::Engine,
) -> Result<()> {
    for (name, item) in instance.exports(engine) {
        match item.ty {
            ComponentItem::ComponentFunc(function) => {
                define_function(linker, interface, name, &function)?;
            }
            ComponentItem::Resource(_) => {
                linker.resource(name, ResourceType::host::<Absent>(), |_, _| Ok(()))?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn define_function(
    linker: &mut LinkerInstance<'_, Guest>,
    interface: &str,
    name: &str,
    function: &ComponentFunc,
) -> Result<()> {
    let called = format!("it called {interface}#{name}, which this host does not offer");
    if function.async_() {
        return linker.func_new_concurrent(name, move |_, _, _, _| {
            let called = called.clone();
            Box::pin(async move { Err(wasmtime::Error::msg(called)) })
        });
    }
    linker.func_new(name, move |_, _, _, _| Err(wasmtime::Error::msg(called.clone())))
}
